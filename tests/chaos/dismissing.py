"""A member that was killed is dismissed from its group, instead of waiting until Kafka notices by its silence."""

from contextlib import closing

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove

from tests.e2e.world import World


def dismiss(world: World, group: str) -> None:
    """Empties the group of a service that has no other process. What was not committed comes again all the same."""
    name = f"{world.values['prefix']}{group}"
    with closing(KafkaAdminClient(bootstrap_servers=world.values["backend"]["kafka"])) as admin:
        members = admin.describe_groups([name])[name]["members"]
        gone = admin.remove_group_members(name, [MemberToRemove(member_id=one["member_id"]) for one in members])
    refused = {member: why for member, why in gone.items() if why.errno}
    assert not refused, f"Kafka keeps {refused}"
