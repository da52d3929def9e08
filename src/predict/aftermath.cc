#include "predict/aftermath.h"

#include <fmt/format.h>

#include "predict/error_response.h"

namespace thaw::predict {
namespace {

bool is_missing(const http::Response& answer) { return answer.status == 404; }

}  // namespace

Json status_metadata(Json metadata, std::string_view state) {
  metadata.set(kStateKey, state);
  return metadata;
}

BatchStep Aftermath::begin() {
  if (facts_.verdict != Verdict::kMade) return look_at_status();
  state_ = State::kReason;
  return StoreCall{get_metadata(facts_.output.bucket, error_name(facts_.output))};
}

BatchStep Aftermath::on_store(const Result<http::Response>& answer) {
  if (!answer) {
    return end_batch(503, "UNAVAILABLE", "the object store: " + answer.error().message());
  }
  const bool raced = answer->status == 412;  // another delivery tells
  // An account that may write only: the reason stays.
  const bool refused = answer->status == 403 && state_ == State::kDelete;
  if (answer->status >= 300 && !is_missing(*answer) && !raced && !refused) {
    return end_batch(
        answer->status == 403 ? 403 : 503, "UNAVAILABLE",
        fmt::format("the object store answered {}: {:.300}", answer->status, answer->body));
  }
  switch (state_) {
    case State::kReason:
      return after_reason(*answer);
    case State::kDelete:
      return look_at_status();
    case State::kStatus:
      return after_status(*answer);
    case State::kTell:
      break;
  }
  return facts_.end;
}

Aftermath::Owner Aftermath::owner_of(const Json& metadata) const {
  const std::string input = metadata.string_or(kInputKey);
  if (input.empty()) return Owner::kNone;
  if (input != url_of(facts_.input)) return Owner::kOther;
  if (facts_.input.generation.empty()) return Owner::kOlder;  // there is none any more
  const int64_t theirs = number_of(metadata.string_or(kInputGenerationKey));
  const int64_t ours = number_of(facts_.input.generation);
  return theirs < ours ? Owner::kOlder : theirs > ours ? Owner::kNewer : Owner::kSame;
}

BatchStep Aftermath::after_reason(const http::Response& answer) {
  const auto json = Json::parse(is_missing(answer) ? "{}" : answer.body);
  const Owner owner = json ? owner_of((*json)["metadata"]) : Owner::kNone;
  if (owner != Owner::kOlder && owner != Owner::kSame) return look_at_status();
  state_ = State::kDelete;
  return StoreCall{delete_object({facts_.output.bucket, error_name(facts_.output)},
                                 json->string_or("generation"))};
}

BatchStep Aftermath::look_at_status() {
  state_ = State::kStatus;
  return StoreCall{get_metadata(facts_.output.bucket, status_name(facts_.output))};
}

BatchStep Aftermath::after_status(const http::Response& answer) {
  if (is_missing(answer)) return facts_.end;
  const auto json = Json::parse(answer.body);
  if (!json) return end_batch(503, "INTERNAL", "the object store's answer is no JSON");
  const Owner owner = owner_of((*json)["metadata"]);
  const std::string said = (*json)["metadata"].string_or(kStateKey);
  const bool runs = said == "RUNNING";
  if (owner == Owner::kNone || owner == Owner::kNewer || (owner == Owner::kOther && runs)) {
    return facts_.end;
  }
  const bool made = facts_.verdict == Verdict::kMade;
  if (made && owner == Owner::kSame && said == "SUCCEEDED") return facts_.end;
  if (facts_.verdict == Verdict::kGone && !runs) return facts_.end;
  const std::string_view state = made ? "SUCCEEDED" : "FAILED";
  Json status = Json::object(
      {{kStateKey, state}, {"input", url_of(facts_.input)}, {"output", url_of(facts_.output)}});
  if (!made) {
    status.set("firstFault", facts_.verdict == Verdict::kGone ? "the input is not there any more"
                                                              : fault_of(facts_.end.response));
  }
  state_ = State::kTell;
  return StoreCall{put_object(
      {facts_.output.bucket, status_name(facts_.output)},
      fmt::format("ifGenerationMatch={}&", json->string_or("generation", "0")), "application/json",
      status_metadata(facts_.metadata, state), status.dump(Json::Style::kIndented) + "\n")};
}

}  // namespace thaw::predict
