#include "objects/content.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace thaw::objects {
namespace {

constexpr size_t kHashBlock = 1 << 20;

Error too_busy() {
  return {Code::kUnavailable, "too many transfers wait for the disk; try again later"};
}

}  // namespace

// ---- ContentWriter ------------------------------------------------------------------------------

/// The carrier's, while a job runs.
struct ContentWriter::State {
  store::Blobs& blobs;
  std::string id;
  From from;
  std::unique_ptr<store::BlobWriter> file;
  std::optional<Hasher> hasher;

  /// Makes or opens the file when it is first needed.
  Status open() {
    if (file != nullptr) return {};
    Hasher fresh;
    if (from == From::kWhatIsThere) {
      auto opened = blobs.resume(id);
      if (opened) {
        RETURN_IF_ERROR(hash_file(fresh, (*opened)->size()));
        file = *std::move(opened);
      } else if (opened.error().code() != Code::kNotFound) {
        return std::move(opened).error();
      }
    }
    if (file == nullptr) {
      ASSIGN_OR_RETURN(file, blobs.create(id));
    }
    hasher.emplace(std::move(fresh));
    return {};
  }

  Status hash_file(Hasher& fresh, int64_t size) const {
    ASSIGN_OR_RETURN(const auto reader, blobs.open(id));
    for (int64_t at = 0; at < size;) {
      ASSIGN_OR_RETURN(const std::string block, reader->read(at, kHashBlock));
      if (block.empty()) return Error(Code::kDataLoss, id + ": the content is cut short");
      fresh.add(block);
      at += static_cast<int64_t>(block.size());
    }
    return {};
  }
};

ContentWriter::ContentWriter(io::Loop& loop, io::Worker& carrier, store::Blobs& blobs,
                             std::string id, From from, std::weak_ptr<int> store)
    : loop_(loop),
      carrier_(carrier),
      id_(std::move(id)),
      state_(std::make_shared<State>(State{blobs, id_, from, nullptr, std::nullopt})),
      store_(std::move(store)) {}

ContentWriter::~ContentWriter() {
  if (released_ || store_.expired()) return;  // what stays now is swept at the next start
  // After the jobs that still run: they are the same carrier's.
  const Status queued = carrier_.run(
      [state = state_] {
        if (state->file == nullptr) return;
        if (const Status removed = state->blobs.remove(state->id); !removed) {
          log_warning("content that is not needed stays", {{"why", removed.error().message()}});
        }
      },
      [] {});
  if (!queued) log_warning("content that is not needed stays", {{"content", id_}});
}

void ContentWriter::run(std::function<Status(State&)> job, Done done) {
  CHECK(!busy_, "one piece at a time");
  busy_ = true;
  struct Outcome {
    Status status;
    int64_t size = 0;
  };
  const auto outcome = std::make_shared<Outcome>();
  const auto report = [this, outcome, done = std::move(done), weak = std::weak_ptr<int>(alive_)] {
    if (weak.expired()) return;
    busy_ = false;
    if (outcome->status) size_ = outcome->size;
    done(std::move(outcome->status));
  };
  const Status queued = carrier_.run(
      [state = state_, job = std::move(job), outcome] {
        outcome->status = state->open();
        if (outcome->status) outcome->status = job(*state);
        if (outcome->status) outcome->size = state->file->size();
      },
      report);
  if (queued) return;
  outcome->status = too_busy();
  loop_.post(report);
}

void ContentWriter::append(std::string bytes, Done done) {
  run(
      [bytes = std::move(bytes)](State& state) -> Status {
        RETURN_IF_ERROR(state.file->append(bytes));
        state.hasher->add(bytes);
        return {};
      },
      std::move(done));
}

void ContentWriter::keep(Done done) {
  run([](State& state) { return state.file->sync(); }, std::move(done));
}

void ContentWriter::finish(std::function<void(Result<Content>)> done) {
  const auto content = std::make_shared<Content>();
  run(
      [content](State& state) -> Status {
        RETURN_IF_ERROR(state.file->sync());
        *content = {state.id, state.file->size(), state.hasher->finish()};
        return {};
      },
      [content, done = std::move(done)](const Status& status) {
        if (status) return done(std::move(*content));
        done(status.error());
      });
}

void ContentWriter::append_content(const std::string& id, Done done) {
  run(
      [id](State& state) -> Status {
        ASSIGN_OR_RETURN(const auto from, state.blobs.open(id));
        return state.file->append_file(*from);
      },
      std::move(done));
}

void ContentWriter::finish_joined(uint32_t crc32c, std::function<void(Result<Content>)> done) {
  const auto content = std::make_shared<Content>();
  run(
      [content, crc32c](State& state) -> Status {
        RETURN_IF_ERROR(state.file->sync());
        *content = {state.id, state.file->size(), {.crc32c = crc32c}};
        return {};
      },
      [content, done = std::move(done)](const Status& status) {
        if (status) return done(std::move(*content));
        done(status.error());
      });
}

// ---- ContentReader ------------------------------------------------------------------------------

struct ContentReader::State {
  store::Blobs& blobs;
  std::string id;
  std::unique_ptr<store::BlobReader> file;
};

ContentReader::ContentReader(io::Loop& loop, io::Worker& carrier, store::Blobs& blobs,
                             std::string id)
    : loop_(loop),
      carrier_(carrier),
      state_(std::make_shared<State>(State{blobs, std::move(id), nullptr})) {}

void ContentReader::read(int64_t offset, size_t length,
                         std::function<void(Result<std::string>)> done) {
  const auto outcome = std::make_shared<Result<std::string>>(too_busy());
  const auto report = [outcome, done = std::move(done), weak = std::weak_ptr<int>(alive_)] {
    if (!weak.expired()) done(std::move(*outcome));
  };
  const Status queued = carrier_.run(
      [state = state_, offset, length, outcome] {
        if (state->file == nullptr) {
          auto opened = state->blobs.open(state->id);
          if (!opened) {
            *outcome = std::move(opened).error();
            return;
          }
          state->file = *std::move(opened);
        }
        *outcome = state->file->read(offset, length);
      },
      report);
  if (!queued) loop_.post(report);
}

}  // namespace thaw::objects
