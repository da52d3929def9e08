// Where `thaw forecast` and `thaw serve` find the holidays of countries: NAME.csv in the folder
// $THAW_COUNTRY_HOLIDAYS, else in share/thaw/country_holidays beside the program's bin.
// Thread: any. Owner: values. Limits: 4 MiB a table.
#pragma once

#include <string>

#include "predict/country_holidays.h"

namespace thaw::app {

/// `folder`: the variable's value; "" when it is not set.
predict::CountryTable country_tables(std::string folder);

}  // namespace thaw::app
