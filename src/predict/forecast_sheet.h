// ForecastSheet: the forecasts of a file that was forecast in pieces, as the rows of one CSV.
//
// Its columns are those of the first piece, and the seasonalities that a series may have or not by
// its length and spacing; one that a later piece has besides is left out and counted.
// Thread: any. Owner: itself. Limits: none of its own.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thaw::predict {

class ForecastSheet {
 public:
  /// The piece's rows (forecast_csv's form) under the sheet's columns; before the first the header.
  Result<std::string> add(std::string_view csv);
  const std::set<std::string>& left_out() const { return left_out_; }

 private:
  std::vector<std::string> columns_;
  std::set<std::string> left_out_;
};

}  // namespace thaw::predict
