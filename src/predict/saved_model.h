// Models in the form of prophet.serialize (model_to_json): fitted elsewhere, forecast here without
// a fit, and the other way round. docs/formats/saved-model.md lists the keys.
//
// Thread: any. Owner: values. Limits: those of Series and of forecast_options.h; a sampled model
// (mcmc_samples) and holidays of a country, whose days the file does not have, are refused.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "predict/forecaster.h"
#include "predict/series.h"

namespace thaw::predict {

struct SavedModel {
  Model model;
  Series history;             // the rows of the fit, sorted, with the columns that the model uses
  IntervalOptions intervals;  // for forecasts that ask for no others
};

/// A JSON object, or a JSON text that holds one (json.dump of model_to_json makes that).
/// kInvalidArgument names the key and what is wrong with it.
Result<SavedModel> parse_saved_model(std::string_view text);

/// A JSON object that prophet.serialize's model_from_json reads.
std::string save_model(const Model& model, const Series& history, const IntervalOptions& intervals);

}  // namespace thaw::predict
