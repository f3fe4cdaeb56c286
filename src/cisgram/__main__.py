"""``python -m cisgram`` and ``accelerate launch -m cisgram``: the executable by another way."""

from cisgram.cli import main

if __name__ == "__main__":
    main()
