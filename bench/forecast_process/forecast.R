# The peer of bench/forecast_process: a file in, 28 days with intervals out.
suppressPackageStartupMessages(library(prophet))
history <- read.csv(commandArgs(trailingOnly = TRUE)[1])
history$ds <- as.Date(history$ds)
model <- suppressMessages(prophet(history))
future <- make_future_dataframe(model, periods = 28, include_history = FALSE)
forecast <- predict(model, future)
write.csv(forecast[c("ds", "yhat", "yhat_lower", "yhat_upper")], row.names = FALSE)
