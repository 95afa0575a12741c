"""Rules: which strategy each path is treated with. Pure: no I/O beyond the texts it is handed."""
