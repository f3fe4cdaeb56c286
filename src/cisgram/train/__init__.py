"""Training and honest evaluation of any model of the zoo or of your own."""
