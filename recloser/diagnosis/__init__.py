"""Symptoms → ranked causes: what can be said of a failure from its texts alone.

The room knows no account: it reads values, and whether what a text suggests is true of the account is asked by
`recloser.healing`. It imports nothing but values, so that `recloser diagnose --evidence` starts at once.
"""

from recloser.diagnosis.calibration import THRESHOLD, calibration
from recloser.diagnosis.catalogue import SignatureError, catalogue, read_signatures
from recloser.diagnosis.causes import cause_facts
from recloser.diagnosis.comparison import NOVEL, ruled_out, telling
from recloser.diagnosis.matching import Match, matches
from recloser.diagnosis.novelty import fingerprint, fingerprint_of, template, templates, unusual
from recloser.diagnosis.questions import in_plain_words, questions
from recloser.diagnosis.ranking import Ranked, rank
from recloser.diagnosis.signature import Signature, Step, Tier
from recloser.diagnosis.symptoms import Symptoms, symptoms_of
from recloser.diagnosis.verdict import Candidate, Finding, examine

__all__ = [
    "NOVEL",
    "THRESHOLD",
    "Candidate",
    "Finding",
    "Match",
    "Ranked",
    "Signature",
    "SignatureError",
    "Step",
    "Symptoms",
    "Tier",
    "calibration",
    "catalogue",
    "cause_facts",
    "examine",
    "fingerprint",
    "fingerprint_of",
    "in_plain_words",
    "matches",
    "questions",
    "rank",
    "read_signatures",
    "ruled_out",
    "symptoms_of",
    "telling",
    "template",
    "templates",
    "unusual",
]
