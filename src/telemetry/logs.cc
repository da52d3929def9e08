#include "telemetry/logs.h"

#include <algorithm>

#include "base/log.h"

namespace thaw::telemetry {
namespace {

bool matches(const LogLine& line, const LogFilter& filter) {
  if (filter.since && line.time < *filter.since) return false;
  return filter.lowest_severity.empty() ||
         severity_rank(line.severity) >= severity_rank(filter.lowest_severity);
}

/// Calls `use` with each line, the last one first, until it answers false. What follows the last
/// line end was cut by a crash and is passed over.
template <class Use>
bool for_each_line_backwards(std::string_view text, Use use) {
  size_t end = text.rfind('\n');
  while (end != std::string_view::npos && end > 0) {
    const size_t before = text.rfind('\n', end - 1);
    const size_t start = before == std::string_view::npos ? 0 : before + 1;
    if (end > start && !use(text.substr(start, end - start))) return false;
    end = before;
  }
  return true;
}

}  // namespace

class Logs::Following final : public LogSubscription {
 public:
  Following(Logs& owner, ServiceId service, std::function<void(const LogLine&)> on_line)
      : owner_(owner), service_(std::move(service)), on_line_(std::move(on_line)) {
    owner_.logs_[service_].followers.push_back(this);
    ++owner_.followers_;
  }
  ~Following() override {
    std::erase(owner_.logs_[service_].followers, this);
    --owner_.followers_;
  }

  void tell(const LogLine& line) const {
    const auto call = on_line_;  // it may end this subscription
    call(line);
  }

 private:
  Logs& owner_;
  ServiceId service_;
  std::function<void(const LogLine&)> on_line_;
};

Logs::Logs(io::Disk& disk, std::string folder, Options options)
    : disk_(disk), folder_(std::move(folder)), options_(options) {}

Logs::~Logs() = default;

std::string Logs::path(const ServiceId& service, Kind kind, int age) const {
  return folder_ + "/" + service.str() + (kind == Kind::kRequests ? ".requests" : "") +
         (age == 0 ? ".jsonl" : "." + std::to_string(age) + ".jsonl");
}

Status Logs::write(const ServiceId& service, Log& log, const std::string& text) {
  if (log.file && log.file->size() >= options_.largest_file) {
    log.file.reset();
    RETURN_IF_ERROR(disk_.rename(path(service, Kind::kLines, 0), path(service, Kind::kLines, 1)));
  }
  if (!log.file) {
    RETURN_IF_ERROR(disk_.make_dirs(folder_));
    ASSIGN_OR_RETURN(log.file, disk_.open_append(path(service, Kind::kLines, 0)));
    // What a crash may have cut stays alone on its line.
    if (log.file->size().value > 0) RETURN_IF_ERROR(log.file->append("\n"));
  }
  return log.file->append(text);
}

void Logs::append(const LogLine& line) {
  Log& log = logs_[line.service];
  if (const Status status = write(line.service, log, to_json(line).dump() + "\n"); !status) {
    if (dropped_++ == 0) {
      log_error("a service's log line is lost",
                {{"service", line.service}, {"why", status.error().message()}});
    }
  }
  tell(line);
}

bool Logs::is_followed(std::string_view service) const {
  if (followers_ == 0) return false;
  const auto log = logs_.find(ServiceId(std::string(service)));
  return log != logs_.end() && !log->second.followers.empty();
}

void Logs::tell(const LogLine& line) {
  Log& log = logs_[line.service];
  // A follower may go while it is told, so the list is copied; those that went are skipped.
  const std::vector<Following*> followers = log.followers;
  for (Following* follower : followers) {
    const auto& now = log.followers;
    if (std::find(now.begin(), now.end(), follower) != now.end()) follower->tell(line);
  }
}

// From the end, so that the newest few lines of a long log cost no more than those few.
void Logs::read_kind(const ServiceId& service, Kind kind, const LogFilter& filter,
                     std::vector<LogLine>& found) const {
  const size_t before = found.size();
  const auto take = [&](std::string_view each) {
    if (found.size() - before >= filter.tail) return false;
    const auto json = Json::parse(each);
    if (!json) return true;
    auto line = log_line_from_json(*json);
    if (line && matches(*line, filter)) found.push_back(*std::move(line));
    return true;
  };
  for (const int age : {0, 1}) {
    const auto text = disk_.read_file(path(service, kind, age),
                                      ByteCount{options_.largest_file.value + (1 << 20)});
    if (text && !for_each_line_backwards(*text, take)) break;
  }
  std::reverse(found.begin() + static_cast<std::ptrdiff_t>(before), found.end());
}

std::vector<LogLine> Logs::read(const ServiceId& service, const LogFilter& filter) const {
  std::vector<LogLine> found;
  read_kind(service, Kind::kLines, filter, found);
  const size_t lines = found.size();
  read_kind(service, Kind::kRequests, filter, found);
  // A request has the time of its arrival and is written when it is over.
  if (found.size() > lines) std::ranges::stable_sort(found, {}, &LogLine::time);
  if (found.size() > filter.tail) {
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(filter.tail));
  }
  return found;
}

std::unique_ptr<LogSubscription> Logs::follow(const ServiceId& service,
                                              std::function<void(const LogLine&)> on_line) {
  return std::make_unique<Following>(*this, service, std::move(on_line));
}

void Logs::remove(const ServiceId& service) {
  if (const auto at = logs_.find(service); at != logs_.end()) at->second.file.reset();
  for (const Kind kind : {Kind::kLines, Kind::kRequests}) {
    for (const int age : {0, 1}) {
      const Status status = disk_.remove_file(path(service, kind, age));
      if (!status && status.error().code() != Code::kNotFound) {
        log_warning("a log cannot be removed", {{"why", status.error().message()}});
      }
    }
  }
}

}  // namespace thaw::telemetry
