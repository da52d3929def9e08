# The peer of bench/forecast_many: fits and forecasts the first series of a file with R's prophet and
# prints the seconds that took, without the start of R. One series before warms up.
suppressPackageStartupMessages(library(prophet))
words <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(words[1])
ids <- unique(rows$unique_id)[seq_len(as.integer(words[2]) + 1)]
forecast_one <- function(id) {
  history <- rows[rows$unique_id == id, c("ds", "y")]
  model <- suppressMessages(prophet(history))
  predict(model, make_future_dataframe(model, periods = 28, include_history = FALSE))
}
invisible(forecast_one(ids[1]))
start <- Sys.time()
for (id in ids[-1]) forecast_one(id)
cat(as.numeric(Sys.time() - start, units = "secs"))
