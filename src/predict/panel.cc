#include "predict/panel.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "predict/text.h"

namespace thaw::predict {

const PanelMember* Panel::find(std::string_view id) const {
  const auto found = places.find(id);
  return found == places.end() ? nullptr : &members[found->second];
}

PanelMember& Panel::add(std::string_view id) {
  places.emplace(id, members.size());
  return members.emplace_back(PanelMember{std::string(id), {}, ""});
}

bool names_series(const Json& rows) {
  return rows.is_array() && std::ranges::any_of(rows.as_array(), [](const Json& row) {
           return row.find(kIdColumn) != nullptr;
         });
}

Result<Panel> parse_panel_json(const Json& rows, std::string_view where, SeriesKind kind) {
  std::map<std::string, Json> groups;
  std::vector<std::string> order;
  for (size_t i = 0; i < rows.as_array().size(); ++i) {
    const Json& row = rows.as_array()[i];
    const Json* id = row.find(kIdColumn);
    if (!id || !(id->is_string() || id->is_int())) {
      return Error(Code::kInvalidArgument,
                   fmt::format("{}[{}]: unique_id is no text: give it in every row", where, i));
    }
    const std::string name(trim(id->is_string() ? id->as_string() : id->dump()));
    if (name.empty()) {
      return Error(Code::kInvalidArgument, fmt::format("{}[{}]: unique_id is empty", where, i));
    }
    const auto [place, is_new] = groups.emplace(name, Json::array());
    if (is_new) order.push_back(name);
    if (order.size() > kMaxPanelSeries) {
      return Error(Code::kInvalidArgument,
                   fmt::format("{}[{}]: more than {} series", where, i, kMaxPanelSeries));
    }
    Json::Object rest;
    for (const auto& [key, value] : row.as_object()) {
      if (key != kIdColumn) rest.emplace_back(key, value);
    }
    place->second.push_back(Json(std::move(rest)));
  }
  Panel panel;
  for (const std::string& name : order) {
    PanelMember& member = panel.add(name);
    auto series =
        parse_series_json(groups[name], fmt::format("{} of {}", where, quoted_value(name)), kind);
    if (series) {
      member.series = *std::move(series);
    } else {
      member.fault = series.error().message();
    }
  }
  return panel;
}

}  // namespace thaw::predict
