"""Python runs this when it starts, where `held_services.checked` was asked for: its services check their answers."""

from held_services import hold_every_service, tell_tests

hold_every_service(tell_tests)
