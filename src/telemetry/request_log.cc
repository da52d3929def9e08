#include "telemetry/request_log.h"

#include <unordered_map>
#include <utility>

#include "base/log.h"

namespace thaw::telemetry {

/// What a job needs; it may end after the RequestLog has.
struct RequestLog::Shared {
  io::Disk& disk;
  const Logs& logs;
  ByteCount largest_file;
  RequestBatch batch;  // the worker's while a job is under way
  uint64_t lost = 0;   // of it
  std::string why;     // of the last that was lost

  void write() {
    std::unordered_map<std::string_view, std::pair<std::string, uint64_t>> by_service;
    batch.for_each([&](const RequestRecord& record) {
      auto& [text, lines] = by_service[record.service];
      append_line(text, record);
      ++lines;
    });
    for (const auto& [service, text_and_lines] : by_service) {
      const auto& [text, lines] = text_and_lines;
      const Status status = append(ServiceId(std::string(service)), text);
      if (status) continue;
      lost += lines;
      why = status.error().message();
    }
  }

  /// The file is not kept open: ten thousand services would be as many descriptors.
  Status append(const ServiceId& service, const std::string& text) const {
    const std::string path = logs.path(service, Logs::Kind::kRequests, 0);
    auto file = disk.open_append(path);
    if (!file) {
      RETURN_IF_ERROR(disk.make_dirs(logs.folder()));
      file = disk.open_append(path);
      if (!file) return file.error();
    }
    if ((*file)->size() >= largest_file) {
      RETURN_IF_ERROR(disk.rename(path, logs.path(service, Logs::Kind::kRequests, 1)));
      ASSIGN_OR_RETURN(file, disk.open_append(path));
    }
    return (*file)->append(text);
  }
};

RequestLog::RequestLog(io::Timers& timers, io::Worker& worker, io::Disk& disk, Logs& logs,
                       Options options)
    : timers_(timers), worker_(worker), logs_(logs), options_(options) {
  shared_ = std::make_shared<Shared>(
      Shared{.disk = disk, .logs = logs, .largest_file = options.largest_file});
}

RequestLog::~RequestLog() = default;

void RequestLog::add(const RequestRecord& record) {
  if (!is_logged(record, options_.share)) return;
  if (!batch_.add(record, options_.room)) {
    ++dropped_;
    return;
  }
  if (busy_) return;
  if (batch_.size() >= options_.room.records / 2) return write();
  if (batch_.size() == 1) timer_ = timers_.after(options_.delay, [this] { write(); });
}

void RequestLog::write() {
  timer_.cancel();
  if (busy_ || batch_.empty()) return;
  busy_ = true;
  std::swap(batch_, shared_->batch);
  std::swap(waiting_, in_write_);
  const Status status = worker_.run([shared = shared_] { shared->write(); }, [this] { written(); });
  if (status) return;
  shared_->lost = shared_->batch.size();
  shared_->why = status.error().message();
  // Those who wait are not called inside their own call.
  timer_ = timers_.after(Duration::zero(), [this] { written(); });
}

void RequestLog::written() {
  busy_ = false;
  if (shared_->lost > 0 && dropped_ == 0) {
    log_error("lines of the request log are lost", {{"why", shared_->why}});
  }
  dropped_ += std::exchange(shared_->lost, 0);
  shared_->batch.for_each([this](const RequestRecord& record) {
    if (!logs_.is_followed(record.service)) return;
    std::string text;
    append_line(text, record);
    if (const auto json = Json::parse(text)) {
      if (const auto line = log_line_from_json(*json)) logs_.tell(*line);
    }
  });
  shared_->batch.clear();
  // Before the next write, so that one who begins to follow now misses none and gets none twice.
  for (const auto& done : std::exchange(in_write_, {})) done();
  if (!waiting_.empty() || batch_.size() >= options_.room.records / 2) return write();
  if (!batch_.empty()) timer_ = timers_.after(options_.delay, [this] { write(); });
}

void RequestLog::when_written(std::function<void()> done) {
  if (!batch_.empty()) {
    waiting_.push_back(std::move(done));
    return write();
  }
  if (busy_) {
    in_write_.push_back(std::move(done));
    return;
  }
  const Status status = worker_.run([] {}, done);
  if (!status) done();
}

void RequestLog::read(const ServiceId& service, const LogFilter& filter,
                      std::function<void(std::vector<LogLine>)> done) {
  when_written([this, service, filter, done = std::move(done)] {
    auto lines = std::make_shared<std::vector<LogLine>>();
    const Status status = worker_.run(
        [&logs = logs_, lines, service, filter] { *lines = logs.read(service, filter); },
        [lines, done] { done(std::move(*lines)); });
    if (!status) done(logs_.read(service, filter));
  });
}

}  // namespace thaw::telemetry
