"""What weir-agent --check prints, seen as the service graphs of others see it."""


def edge_type(flow):
    """The word that the reference pairings have for the connection of a FLOW."""
    if flow.get("kind") == "db":
        return "database"
    if "us" not in flow or "srv_us" not in flow:
        return "virtual_node"  # one of the two ends sends no spans
    return "messaging_system" if flow.get("kind") == "msg" else "direct"
