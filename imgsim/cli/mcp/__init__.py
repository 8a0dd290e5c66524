"""``imgsim mcp``: models as tools of the Model Context Protocol, for assistants and other programs."""
