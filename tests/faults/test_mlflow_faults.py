"""An MLflow server that is down, or answers with errors; `make faults` lets a real one die in the middle."""

from tests.faults.homes import Homes
from tests.faults.mlflow_faults import IMPATIENT, down_and_answering_errors


def test_down_and_answering_errors(homes: Homes) -> None:
    down_and_answering_errors(homes, IMPATIENT)
