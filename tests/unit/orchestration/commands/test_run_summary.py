import pytest

from orchestration.commands.run_summary import _precision


@pytest.mark.parametrize(
    ("precision", "reason", "shown"),
    [
        ("fp32", "as configured", {}),
        ("bf16", "as configured", {"precision": "bf16 (as configured)"}),
        ("fp32", "OpenVINO is not installed", {"precision": "fp32 (OpenVINO is not installed)"}),
    ],
)
def test_a_precision_that_somebody_chose_is_shown(precision, reason, shown):
    assert _precision({"precision": precision, "precision_reason": reason}) == shown
