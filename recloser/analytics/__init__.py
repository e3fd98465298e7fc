"""What outcomes mean: flaky, broken, new, slower; pure functions of data frames.

`outcomes` says what the frame is. `triage` judges the failures of a night by `rules` over `cases`, whose facts come
from `evidence`, `broken` and `storms`; `probes` plans what to run again. `slower` confirms what `screening` and `rises`
find. `fingerprints`, `nearness` and `clusters` say which failures are one problem; `review` sums up a month.

Modules are imported by their own names: `fingerprints` is light, most others need pandas and scipy.
"""
