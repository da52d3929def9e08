#include "predict/panel_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/utf8.h"
#include "predict/aftermath.h"
#include "predict/error_response.h"
#include "predict/request.h"

namespace thaw::predict {
namespace {

constexpr size_t kUnit = 256 << 10;  // parts but the last are multiples of it

/// "http://host/upload/..." -> "/upload/...".
std::string target_of(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
  return path == std::string_view::npos ? "" : std::string(url.substr(path));
}

/// An object's generation, as its resource tells it; "0" where it is not there.
std::string generation_of(const http::Response& answer) {
  if (answer.status == 404) return "0";
  const auto json = Json::parse(answer.body);
  return json ? json->string_or("generation", "0") : "0";
}

size_t count_of(std::string_view text) {
  size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Rows that the forecasts of a chunk may have, some MiB of text.
constexpr size_t kMostRowsAtOnce = 20'000;

/// How many series of a chunk draw kMostDraws together and have few enough rows.
size_t series_at_once(const http::Query& options) {
  ForecastRequest asked;
  for (const auto& [name, value] : options) {
    // What is wrong with an option, the first forecast tells.
    if (!set_option(asked, name, std::string_view(value))) return PanelChunks::kChunkSeries;
  }
  if (!validate(asked.horizon) || !validate(asked.intervals)) return PanelChunks::kChunkSeries;
  const auto rows = std::max<size_t>(1, static_cast<size_t>(asked.horizon.periods));
  const size_t draws = std::max<size_t>(1, rows * static_cast<size_t>(asked.intervals.samples));
  const size_t most = std::min(kMostDraws / draws, kMostRowsAtOnce / rows);
  return std::clamp<size_t>(most, 1, PanelChunks::kChunkSeries);
}

}  // namespace

PanelBatch::PanelBatch(Facts facts)
    : facts_(std::move(facts)), chunks_(series_at_once(facts_.options)) {}

BatchStep PanelBatch::begin(std::string_view first) {
  if (facts_.input.name.ends_with(".json")) {
    return refuse(400, "INVALID_ARGUMENT",
                  fmt::format("the input has {} bytes; JSON of over 32 MiB is not read: write it "
                              "as CSV with a column unique_id",
                              facts_.size));
  }
  read_ = static_cast<int64_t>(first.size());
  chunks_.feed(first);
  if (read_ >= facts_.size) chunks_.end();
  state_ = State::kLook;
  return StoreCall{get_metadata(facts_.output.bucket, status_name(facts_.output))};
}

/// The status is looked at before the output: a job whose last report is not seen here has not
/// written its output either, or that is seen next.
BatchStep PanelBatch::after_look(const http::Response& answer) {
  status_generation_ = generation_of(answer);
  state_ = State::kCheck;
  return StoreCall{get_metadata(facts_.output.bucket, facts_.output.name)};
}

BatchStep PanelBatch::after_check(const http::Response& answer) {
  if (generation_of(answer) != facts_.output_generation) {
    tells_ = false;
    return lose();
  }
  state_ = State::kOpen;
  return StoreCall{begin_upload(facts_.output,
                                fmt::format("ifGenerationMatch={}&", facts_.output_generation),
                                "text/csv; charset=utf-8", facts_.metadata)};
}

/// Another job wrote the output. Its own status stays; one of this job does not say RUNNING for
/// ever.
BatchStep PanelBatch::lose() {
  upload_.clear();
  state_ = State::kEnd;
  end_ = end_batch(503, "ABORTED", "the output was written meanwhile; the next delivery looks");
  if (!tells_) return end_;
  first_fault_ = "another job wrote the output meanwhile";
  return report("FAILED", Over::kOwn);
}

BatchStep PanelBatch::on_store(const Result<http::Response>& answer) {
  if (state_ == State::kEnd) return after_end(answer);
  if (!answer) {
    return give_up(end_batch(503, "UNAVAILABLE", "the object store: " + answer.error().message()));
  }
  const int status = answer->status;
  const bool looks = state_ == State::kLook || state_ == State::kCheck;
  if (status == 412 && state_ == State::kLastWrite) return lose();
  if (status == 412 && state_ == State::kReport) {  // another job tells, or has ended
    tells_ = false;
    return go_on();
  }
  if (status == 404 && state_ == State::kRead) {
    return give_up(end_of_gone_input(facts_.input, facts_.gone));
  }
  if (status >= 300 && !(status == 308 && state_ == State::kWrite) && !(status == 404 && looks)) {
    return give_up(
        end_batch(status == 403 ? 403 : 503, "UNAVAILABLE",
                  fmt::format("the object store answered {}: {:.300}", status, answer->body)));
  }
  switch (state_) {
    case State::kLook:
      return after_look(*answer);
    case State::kCheck:
      return after_check(*answer);
    case State::kOpen:
      upload_ = target_of(answer->headers.get("location"));
      if (upload_.empty()) {
        return end_batch(503, "INTERNAL", "the object store's answer names no upload");
      }
      state_ = State::kReport;
      return report("RUNNING", Over::kOwn);
    case State::kReport:
      says_running_ = true;
      status_generation_ = generation_of(*answer);
      return go_on();
    case State::kRead:
      if (answer->body.empty()) {
        return give_up(end_batch(503, "INTERNAL", "the object store's answer has no bytes"));
      }
      read_ += static_cast<int64_t>(answer->body.size());
      chunks_.feed(answer->body);
      if (read_ >= facts_.size) chunks_.end();
      return go_on();
    case State::kLastWrite:
      upload_.clear();
      is_written_ = true;
      end_ = end_batch(
          200, "OK",
          fmt::format("wrote {}: {} series, {} failed", url_of(facts_.output), done_, failed_));
      state_ = State::kEnd;
      return report("SUCCEEDED", Over::kAny);
    default:
      return go_on();
  }
}

/// Writes what waits, says how far it is, forecasts what is there, reads on: the first that can be
/// done.
BatchStep PanelBatch::go_on() {
  if (pending_.size() > kPart) {
    return write_part((pending_.size() - 1) / kUnit * kUnit, false);  // never all of it
  }
  if (tells_ && read_ - reported_ > std::max(facts_.size / kReports, kRead)) {
    state_ = State::kReport;
    return report("RUNNING", Over::kOwn);
  }
  if (halves_.empty()) {
    auto chunk = chunks_.next();
    if (!chunk) return refuse(400, "INVALID_ARGUMENT", chunk.error().message());
    if (*chunk) halves_.push_back(**std::move(chunk));
  }
  if (!halves_.empty()) {
    state_ = State::kForecast;
    chunk_ = std::move(halves_.back());
    halves_.pop_back();
    http::Request request{.method = "POST", .target = "/predict"};
    request.path = "/predict";
    request.query = facts_.options;
    request.body = chunk_.csv;
    request.headers.add("content-type", "text/csv");
    return ForecastCall{std::move(request)};
  }
  if (read_ >= facts_.size) return end_of_input();
  state_ = State::kRead;
  return StoreCall{get_range(facts_.input, read_, std::min(read_ + kRead, facts_.size)), kRead};
}

BatchStep PanelBatch::on_forecast(const http::Response& answer) {
  if (answer.status >= 500 || answer.status == 429) return give_up({answer});
  if (answer.status == kTooMuch && chunk_.series > 1) return halve();
  if (answer.status >= 300) {
    if (first_fault_.empty()) {
      first_fault_ =
          fmt::format("the rows from line {} on: {}", chunk_.first_line, fault_of(answer));
    }
    failed_ += chunk_.series;
    return go_on();
  }
  const size_t failed = std::min(chunk_.series, count_of(answer.headers.get("thaw-failed-series")));
  failed_ += failed;
  done_ += chunk_.series - failed;
  auto rows = sheet_.add(answer.body);
  if (!rows) return refuse(400, "INVALID_ARGUMENT", "the forecast: " + rows.error().message());
  pending_ += *rows;
  return go_on();
}

/// The series of the chunk are too much together: the first half, then the second.
BatchStep PanelBatch::halve() {
  PanelChunks halves((chunk_.series + 1) / 2);
  halves.feed(std::exchange(chunk_.csv, {}));
  halves.end();
  std::vector<PanelChunks::Chunk> cut;
  for (;;) {
    auto half = halves.next();
    if (!half) return refuse(400, "INVALID_ARGUMENT", half.error().message());
    if (!*half) break;
    (*half)->first_line += chunk_.first_line - 2;  // the header, and lines count from 1
    cut.push_back(**std::move(half));
  }
  std::move(cut.rbegin(), cut.rend(), std::back_inserter(halves_));  // the last is next
  return go_on();
}

BatchStep PanelBatch::end_of_input() {
  if (done_ == 0) {
    return refuse(400, "INVALID_ARGUMENT",
                  first_fault_.empty() ? "none of the series can be forecast" : first_fault_);
  }
  return write_part(pending_.size(), true);
}

BatchStep PanelBatch::write_part(size_t bytes, bool is_last) {
  state_ = is_last ? State::kLastWrite : State::kWrite;
  const int64_t end = written_ + static_cast<int64_t>(bytes);
  http::Request request{.method = "PUT", .target = upload_};
  request.headers.add("content-range", fmt::format("bytes {}-{}/{}", written_, end - 1,
                                                   is_last ? std::to_string(end) : "*"));
  request.body = pending_.substr(0, bytes);
  pending_.erase(0, bytes);
  written_ = end;
  return StoreCall{std::move(request)};
}

/// The input's own fault, which another delivery would meet again.
BatchStep PanelBatch::refuse(int status, std::string_view name, std::string_view why) {
  if (first_fault_.empty()) first_fault_ = utf8_prefix(why, kLongestFault);
  BatchEnd end = end_batch(status, name, why);
  const Over over = state_ == State::kLook ? Over::kAny : Over::kOwn;  // not looked at yet
  if (tells_) last_calls_.push_back(report("FAILED", over));
  says_running_ = false;  // any more
  last_calls_.push_back({put_object({facts_.output.bucket, error_name(facts_.output)}, "",
                                    "application/json", facts_.metadata, end.response.body)});
  return give_up(std::move(end));
}

/// Leaves no upload behind, and no status that says RUNNING.
BatchStep PanelBatch::give_up(BatchEnd end) {
  if (says_running_ && tells_) {
    if (first_fault_.empty()) first_fault_ = fault_of(end.response);
    last_calls_.push_back(report("FAILED", Over::kOwn));
  }
  end_ = std::move(end);
  state_ = State::kEnd;
  if (!upload_.empty()) {
    last_calls_.push_back(
        {http::Request{.method = "DELETE", .target = std::exchange(upload_, "")}});
  }
  return after_end(http::Response());
}

BatchStep PanelBatch::after_end(const Result<http::Response>& answer) {
  const bool is_told = answer && answer->status < 500 && answer->status != 429;
  if (!is_told && end_.response.status < 500) {
    return end_batch(503, "UNAVAILABLE",
                     fmt::format("the object store did not take {}",
                                 is_written_ ? "the last status" : "the reason"));
  }
  if (last_calls_.empty()) return end_;
  StoreCall call = std::move(last_calls_.back());
  last_calls_.pop_back();
  return call;
}

StoreCall PanelBatch::report(std::string_view state, Over over) {
  reported_ = read_;
  const std::string precondition =
      over == Over::kOwn ? fmt::format("ifGenerationMatch={}&", status_generation_) : "";
  return {put_object({facts_.output.bucket, status_name(facts_.output)}, precondition,
                     "application/json", status_metadata(facts_.metadata, state),
                     status(state).dump(Json::Style::kIndented) + "\n")};
}

Json PanelBatch::status(std::string_view state) const {
  Json all = Json::object({{"state", state},
                           {"input", url_of(facts_.input)},
                           {"output", url_of(facts_.output)},
                           {"inputBytes", facts_.size},
                           {"readBytes", read_},
                           {"seriesDone", static_cast<int64_t>(done_)},
                           {"seriesFailed", static_cast<int64_t>(failed_)}});
  if (!first_fault_.empty()) all.set("firstFault", first_fault_);
  if (!sheet_.left_out().empty()) {
    Json names = Json::array();
    for (const std::string& name : sheet_.left_out()) names.push_back(Json(name));
    all.set("columnsLeftOut", std::move(names));
  }
  return all;
}

}  // namespace thaw::predict
