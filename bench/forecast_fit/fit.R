# The peer of forecast_fit_bench: R's prophet, asked the same way. The data frame is made ahead, so
# that only prophet() itself is timed.
suppressPackageStartupMessages(library(prophet))
history <- read.csv(commandArgs(trailingOnly = TRUE)[1])
history$ds <- as.POSIXct(history$ds, tz = "GMT")
numbers <- function(values) paste0("[", paste(sprintf("%.17g", values), collapse = ","), "]")
input <- file("stdin", "r")
while (length(readLines(input, n = 1)) > 0) {
  start <- Sys.time()
  model <- suppressMessages(prophet(history))
  ms <- as.numeric(Sys.time() - start, units = "secs") * 1000
  cat(sprintf('{"ms":%.3f,"k":%.17g,"m":%.17g,"sigma":%.17g,"delta":%s,"beta":%s,"changepoints_t":%s}\n',
              ms, model$params$k, model$params$m, model$params$sigma_obs,
              numbers(model$params$delta), numbers(model$params$beta),
              numbers(model$changepoints.t)))
  flush(stdout())
}
