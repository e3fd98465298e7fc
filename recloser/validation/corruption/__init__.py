"""The catalogue of faults C01 to C50, applied to good datasets: for tests, measurements and demonstrations.

`FAULTS` names them; C15 is the control, which no rule may object to. Source: the project's reference on grid data,
section 5.
"""

from recloser.validation.corruption.catalogue import FAULTS, Fault, corrupt_dataset, corrupt_folder, find_fault
from recloser.validation.corruption.draft import Draft, draft_of, subject_of

__all__ = ["FAULTS", "Draft", "Fault", "corrupt_dataset", "corrupt_folder", "draft_of", "find_fault", "subject_of"]
