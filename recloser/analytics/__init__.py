"""What outcomes mean: flaky, broken, new, slower; pure functions of data frames."""
