// Fits one series again and again, as bench/forecast_fit/run asks: for each line on standard input
// one fit, timed inside this process, and one line of JSON on standard output.
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/json.h"
#include "predict/forecaster.h"
#include "predict/series.h"

namespace {

thaw::Json list(const std::vector<double>& values) {
  thaw::Json json = thaw::Json::array();
  for (double value : values) json.push_back(value);
  return json;
}

}  // namespace

int main(int argc, char** argv) {
  using thaw::predict::fit;
  std::ifstream file(argc > 1 ? argv[1] : "");
  std::stringstream text;
  text << file.rdbuf();
  const auto series = thaw::predict::parse_series_csv(text.str());
  if (!series) {
    std::cerr << fmt::format("usage: forecast_fit_bench SERIES.csv: {}\n",
                             series.error().message());
    return 2;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    const auto model = fit(*series, {});
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (!model) {
      std::cerr << model.error().message() << '\n';
      return 1;
    }
    std::cout << thaw::Json::object({{"ms", took.count()},
                                     {"k", model->k},
                                     {"m", model->m},
                                     {"sigma", model->sigma},
                                     {"delta", list(model->delta)},
                                     {"beta", list(model->beta)},
                                     {"changepoints_t", list(model->changepoints_t)}})
                     .dump()
              << std::endl;
  }
}
