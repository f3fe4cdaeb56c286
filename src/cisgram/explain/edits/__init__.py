"""The engine of many edited copies: only what an edit reaches is computed."""
