"""Rules: which strategy each path is treated with. Only `packs` reads files, those shipped."""
