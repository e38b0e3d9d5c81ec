"""How fast the parts are. Each prints what it measured; bounds are loose, against a plain yardstick on the same machine."""
