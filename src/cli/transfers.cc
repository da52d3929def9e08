#include "cli/transfers.h"

#include <fmt/format.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "http/client.h"
#include "http/query.h"

namespace thaw::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kAtOnce = 8;
constexpr int64_t kSmall = int64_t{8} << 20;
constexpr int kAttempts = 5;
constexpr Duration kPatience = seconds(300);  // for one small file

/// One line on a terminal that is written over; elsewhere a line a file.
class Progress {
 public:
  Progress(Context& context, const std::vector<Transfer>& all) : context_(context) {
    files_ = all.size();
    for (const Transfer& each : all) bytes_ += std::max<int64_t>(each.size, 0);
  }
  void moved(int64_t bytes) {
    done_bytes_ += bytes;
    draw();
  }
  void done(const std::string& what) {
    ++done_files_;
    if (!context_.terminal.err_is_tty()) {
      context_.note("copied " + escape_controls(what, Keep::kNothing));
    }
    draw();
  }
  ~Progress() {
    if (drawn_) context_.terminal.write_err("\n");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void draw() {
    if (context_.quiet() || !context_.terminal.err_is_tty()) return;
    constexpr int64_t kWidth = 24;
    const int64_t all = bytes_ > 0 ? bytes_ : static_cast<int64_t>(files_);
    const int64_t now = bytes_ > 0 ? done_bytes_ : static_cast<int64_t>(done_files_);
    const auto full = static_cast<size_t>(std::clamp<int64_t>(now * kWidth / all, 0, kWidth));
    std::string line = fmt::format("\r[{}{}] {} of {} files, {}", std::string(full, '#'),
                                   std::string(kWidth - full, '.'), done_files_, files_,
                                   format_bytes({done_bytes_}));
    if (line == last_) return;
    last_ = line;
    drawn_ = true;
    context_.terminal.write_err(line);
  }

  Context& context_;
  size_t files_ = 0;
  size_t done_files_ = 0;
  int64_t bytes_ = 0;
  int64_t done_bytes_ = 0;
  std::string last_;
  bool drawn_ = false;
};

bool may_be_tried_again(Code code) {
  return code == Code::kUnavailable || code == Code::kDeadlineExceeded || code == Code::kCancelled;
}

Failure local(Code code, const std::string& file, std::string_view what) {
  return {ExitCode::kFailed, Error(code, fmt::format("{}: {}", file, what))};
}

/// The small files, several under way on the loop.
class Pool {
 public:
  Pool(Context& context, const io::SocketAddress& address, Progress& progress)
      : loop_(context.ports.loop()),
        client_(context.ports.net(), loop_, {.max_body = ByteCount{kSmall + (1 << 20)}}),
        address_(address),
        progress_(progress) {}

  void add(const Transfer& transfer) { waiting_.push_back({transfer, 1}); }

  Outcome<ExitCode> run() {
    start_more();
    while (!fault_ && !(under_way_.empty() && waiting_.empty() && resting_.empty())) loop_.run();
    if (fault_) return *fault_;
    return ExitCode::kOk;
  }

 private:
  struct Job {
    Transfer transfer;
    int attempt = 1;
    std::unique_ptr<http::Call> call = nullptr;
  };

  void start_more() {
    while (!fault_ && under_way_.size() < kAtOnce && !waiting_.empty()) {
      Job job = std::move(waiting_.front());
      waiting_.pop_front();
      auto request = request_of(job.transfer);
      if (!request) {
        fault_ = request.error();
        return;
      }
      const uint64_t number = ++last_;
      Job& kept = under_way_[number] = std::move(job);
      kept.call = client_.fetch(address_, *std::move(request), kPatience,
                                [this, number](const Result<http::Response>& answer) {
                                  finish(number, answer);
                                  loop_.stop();
                                });
    }
  }

  static Outcome<http::Request> request_of(const Transfer& transfer) {
    if (GsUrl::is_one(transfer.from) && GsUrl::is_one(transfer.to)) {
      ASSIGN_OR_RETURN(const GsUrl from, GsUrl::parse(transfer.from));
      ASSIGN_OR_RETURN(const GsUrl to, GsUrl::parse(transfer.to));
      http::Request request{.method = "POST"};
      request.target = fmt::format("{}/rewriteTo/b/{}/o/{}", from.path(),
                                   http::percent_encode(to.bucket), http::percent_encode(to.name));
      return request;
    }
    if (GsUrl::is_one(transfer.from)) {
      ASSIGN_OR_RETURN(const GsUrl from, GsUrl::parse(transfer.from));
      return http::Request{.target = from.path() + "?alt=media"};
    }
    ASSIGN_OR_RETURN(const GsUrl to, GsUrl::parse(transfer.to));
    std::ifstream in(transfer.from, std::ios::binary);
    std::ostringstream content;
    if (in) content << in.rdbuf();
    if (!in) return local(Code::kNotFound, transfer.from, "cannot be read");
    http::Request request{.method = "POST"};
    request.target = fmt::format("/upload/storage/v1/b/{}/o?uploadType=media&name={}",
                                 http::percent_encode(to.bucket), http::percent_encode(to.name));
    request.headers.add("content-type", "application/octet-stream");
    request.body = std::move(content).str();
    return request;
  }

  void finish(uint64_t number, const Result<http::Response>& answer) {
    auto node = under_way_.extract(number);  // its call ends with this callback
    Job job = std::move(node.mapped());
    const Error* fault = answer ? nullptr : &answer.error();
    std::optional<Error> refused;
    if (answer && answer->status >= 300) fault = &refused.emplace(error_of(*answer));
    if (fault != nullptr) return again(std::move(job), *fault);
    if (GsUrl::is_one(job.transfer.from) && !GsUrl::is_one(job.transfer.to)) {
      if (const auto kept = write(job.transfer.to, answer->body); !kept) {
        fault_ = kept.error();
        return;
      }
    }
    progress_.moved(std::max<int64_t>(job.transfer.size, 0));
    progress_.done(job.transfer.from);
    start_more();
  }

  void again(Job job, const Error& fault) {
    if (!may_be_tried_again(fault.code()) || job.attempt >= kAttempts) {
      fault_ = Failure(Error(fault).with_context(job.transfer.from));
      return;
    }
    const Duration rest = milliseconds(200) * (1 << job.attempt);
    ++job.attempt;
    job.call.reset();
    const uint64_t number = ++last_;
    auto& place = resting_[number];
    place.job = std::move(job);
    place.timer = loop_.after(rest, [this, number] {
      auto node = resting_.extract(number);
      waiting_.push_front(std::move(node.mapped().job));
      start_more();
      loop_.stop();
    });
  }

  static Outcome<ExitCode> write(const std::string& file, const std::string& content) {
    std::error_code ignored;
    if (const auto folder = fs::path(file).parent_path(); !folder.empty()) {
      fs::create_directories(folder, ignored);
    }
    const std::string part = file + ".part";
    std::ofstream out(part, std::ios::binary | std::ios::trunc);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    out.close();
    std::error_code fault;
    if (out) fs::rename(part, file, fault);
    if (out && !fault) return ExitCode::kOk;
    fs::remove(part, ignored);
    return local(Code::kResourceExhausted, file, "cannot be written; is the disk full?");
  }

  struct Resting {
    Job job;
    io::Timer timer;
  };
  io::Loop& loop_;
  http::Client client_;
  io::SocketAddress address_;
  Progress& progress_;
  std::deque<Job> waiting_;
  std::map<uint64_t, Job> under_way_;
  std::map<uint64_t, Resting> resting_;
  uint64_t last_ = 0;
  std::optional<Failure> fault_;
};

Outcome<ExitCode> transfer_large(Buckets& buckets, const Transfer& what, Progress& progress) {
  int64_t before = 0;
  const auto moved = [&](int64_t done, int64_t) {
    progress.moved(done - before);
    before = done;
  };
  if (GsUrl::is_one(what.from) && GsUrl::is_one(what.to)) {
    ASSIGN_OR_RETURN(const GsUrl from, GsUrl::parse(what.from));
    ASSIGN_OR_RETURN(const GsUrl to, GsUrl::parse(what.to));
    RETURN_IF_ERROR(buckets.copy(from, to));
  } else if (GsUrl::is_one(what.from)) {
    ASSIGN_OR_RETURN(const GsUrl from, GsUrl::parse(what.from));
    std::error_code ignored;
    if (const auto folder = fs::path(what.to).parent_path(); !folder.empty()) {
      fs::create_directories(folder, ignored);
    }
    RETURN_IF_ERROR(buckets.download(from, what.to, moved));
  } else {
    ASSIGN_OR_RETURN(const GsUrl to, GsUrl::parse(what.to));
    RETURN_IF_ERROR(buckets.upload(what.from, to, moved));
  }
  progress.done(what.from);
  return ExitCode::kOk;
}

}  // namespace

Outcome<ExitCode> transfer_all(Context& context, Buckets& buckets,
                               const std::vector<Transfer>& transfers) {
  ASSIGN_OR_RETURN(const io::SocketAddress address, api_address(context));
  Progress progress(context, transfers);
  Pool pool(context, address, progress);
  for (const Transfer& each : transfers) {
    if (each.size >= 0 && each.size <= kSmall) pool.add(each);
  }
  RETURN_IF_ERROR(pool.run());
  for (const Transfer& each : transfers) {
    if (each.size < 0 || each.size > kSmall) {
      RETURN_IF_ERROR(transfer_large(buckets, each, progress));
    }
  }
  return ExitCode::kOk;
}

}  // namespace thaw::cli
