#include "store/state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

namespace thaw::store {
namespace {

constexpr int64_t kApplicationId = 0x54686177;  // "Thaw", in the file's header
constexpr int64_t kLargestChecked = 64 << 20;   // bytes

constexpr std::array kMigrations = {
    Migration{1, "services and revisions", R"(
CREATE TABLE services(
  name TEXT PRIMARY KEY,
  next_revision INTEGER NOT NULL,
  service TEXT NOT NULL
) STRICT;
CREATE TABLE revisions(
  name TEXT PRIMARY KEY,
  service TEXT NOT NULL REFERENCES services(name) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  uid TEXT NOT NULL,
  generation INTEGER NOT NULL,
  created TEXT NOT NULL,
  template TEXT NOT NULL,
  ready INTEGER NOT NULL,
  was_ready INTEGER NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  state_since TEXT NOT NULL,
  UNIQUE(service, number)
) STRICT;)"},
    Migration{2, "the meter's ledger", R"(
CREATE TABLE meter_usage(
  service TEXT NOT NULL,
  revision TEXT NOT NULL,
  day TEXT NOT NULL,
  mode INTEGER NOT NULL,
  cpu_units INTEGER NOT NULL,
  memory_units INTEGER NOT NULL,
  billed_ms INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  PRIMARY KEY(service, revision, day, mode)
) STRICT, WITHOUT ROWID;
CREATE TABLE meter_batch(
  only INTEGER PRIMARY KEY CHECK(only = 1),
  last INTEGER NOT NULL
) STRICT;
INSERT INTO meter_batch VALUES(1, 0);)"},
    Migration{3, "topics, subscriptions and messages", R"(
CREATE TABLE pubsub_topics(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  resource TEXT NOT NULL
) STRICT;
CREATE TABLE pubsub_subscriptions(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  topic INTEGER NOT NULL,
  resource TEXT NOT NULL
) STRICT;
CREATE TABLE pubsub_messages(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic INTEGER NOT NULL,
  published INTEGER NOT NULL,
  ordering_key TEXT NOT NULL,
  attributes TEXT NOT NULL,
  data BLOB NOT NULL,
  size INTEGER NOT NULL
) STRICT;
CREATE TABLE pubsub_backlog(
  subscription INTEGER NOT NULL,
  message INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  state INTEGER NOT NULL,
  PRIMARY KEY(subscription, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX pubsub_backlog_message ON pubsub_backlog(message);
CREATE TABLE pubsub_snapshots(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  topic INTEGER NOT NULL,
  position INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  labels TEXT NOT NULL
) STRICT;
CREATE TABLE pubsub_snapshot_messages(
  snapshot INTEGER NOT NULL,
  message INTEGER NOT NULL,
  PRIMARY KEY(snapshot, message)
) STRICT, WITHOUT ROWID;
CREATE TABLE pubsub_policies(
  resource TEXT PRIMARY KEY,
  policy TEXT NOT NULL
) STRICT;
CREATE TABLE pubsub_posted(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  ordering_key TEXT NOT NULL,
  attributes TEXT NOT NULL,
  data BLOB NOT NULL
) STRICT;)"},
    Migration{4, "Redis-stream sources", R"(
CREATE TABLE stream_sources(
  name TEXT PRIMARY KEY,
  consumer TEXT NOT NULL,
  created TEXT NOT NULL,
  config TEXT NOT NULL
) STRICT;)"},
    Migration{5, "buckets and objects", R"(
CREATE TABLE buckets(
  name TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  metageneration INTEGER NOT NULL,
  next_notification INTEGER NOT NULL,
  settings TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE objects(
  bucket TEXT NOT NULL REFERENCES buckets(name),
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  metageneration INTEGER NOT NULL,
  state INTEGER NOT NULL,
  content TEXT NOT NULL,
  size INTEGER NOT NULL,
  crc32c INTEGER NOT NULL,
  md5 BLOB NOT NULL,
  components INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  deleted INTEGER,
  hard_delete INTEGER,
  settings TEXT NOT NULL,
  PRIMARY KEY(bucket, name, generation)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX objects_live ON objects(bucket, name) WHERE state=0;
CREATE INDEX objects_content ON objects(content);
CREATE INDEX objects_hard_delete ON objects(hard_delete) WHERE state=2;
CREATE TABLE object_generation(
  only INTEGER PRIMARY KEY CHECK(only = 1),
  last INTEGER NOT NULL
) STRICT;
INSERT INTO object_generation VALUES(1, 0);
CREATE TABLE object_uploads(
  id TEXT PRIMARY KEY,
  bucket TEXT NOT NULL,
  name TEXT NOT NULL,
  content TEXT NOT NULL,
  request TEXT NOT NULL,
  created INTEGER NOT NULL,
  generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX object_uploads_created ON object_uploads(created);
CREATE INDEX object_uploads_content ON object_uploads(content);
CREATE INDEX object_uploads_bucket ON object_uploads(bucket);
CREATE TABLE object_garbage(content TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE object_notifications(
  bucket TEXT NOT NULL REFERENCES buckets(name),
  id TEXT NOT NULL,
  config TEXT NOT NULL,
  PRIMARY KEY(bucket, id)
) STRICT, WITHOUT ROWID;)"},
    Migration{6, "policies of services", R"(
CREATE TABLE iam_policies(
  service TEXT PRIMARY KEY,
  policy TEXT NOT NULL
) STRICT, WITHOUT ROWID;)"},
    Migration{7, "what pipeline files have made", R"(
CREATE TABLE pipelines(
  name TEXT PRIMARY KEY,
  record TEXT NOT NULL
) STRICT;)"},
    Migration{8, "jobs and their executions", R"(
CREATE TABLE jobs(
  name TEXT PRIMARY KEY,
  job TEXT NOT NULL
) STRICT;
CREATE TABLE job_executions(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  job TEXT NOT NULL,
  execution TEXT NOT NULL
) STRICT;
CREATE TABLE job_tasks(
  execution TEXT NOT NULL,
  task INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  PRIMARY KEY(execution, task)
) STRICT, WITHOUT ROWID;)"},
    Migration{9, "prices of the ladder's rungs", R"(
CREATE TABLE rung_prices(
  revision TEXT PRIMARY KEY,
  service TEXT NOT NULL,
  prices TEXT NOT NULL,
  updated TEXT NOT NULL
) STRICT, WITHOUT ROWID;)"},
    Migration{10, "service accounts and their keys", R"(
CREATE TABLE service_accounts(
  email TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  unique_id TEXT NOT NULL,
  display_name TEXT NOT NULL,
  description TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE service_account_keys(
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL REFERENCES service_accounts(email) ON DELETE CASCADE,
  public_key TEXT NOT NULL,
  created TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX service_account_keys_email ON service_account_keys(email);)"},
    Migration{11, "domains that lead to services", R"(
CREATE TABLE domain_mappings(
  domain TEXT PRIMARY KEY,
  service TEXT NOT NULL,
  created TEXT NOT NULL,
  automatic INTEGER NOT NULL,
  trouble TEXT NOT NULL,
  failures INTEGER NOT NULL,
  retry_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;)"},
    Migration{12, "how long subscriptions have been idle", R"(
ALTER TABLE pubsub_subscriptions ADD COLUMN idle_s INTEGER NOT NULL DEFAULT 0;)"},
};

constexpr int kLockTries = 500;  // ten milliseconds apart: five seconds

/// The pid that the lock's holder wrote; 0 when none can be read.
pid_t holder_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t count = ::pread(fd, text.data(), text.size() - 1, 0);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + std::max<ssize_t>(count, 0), pid);
  return pid;
}

/// False when another process has it. A child that a killed holder had just forked shares the lock
/// until it executes its program, so a lock of the dead is waited for.
Result<bool> lock_file(int fd, const std::string& path) {
  for (int i = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK) return errno_error("lock " + path, errno);
    const pid_t holder = holder_of(fd);
    const bool is_dead = holder > 0 && ::kill(holder, 0) != 0 && errno == ESRCH;
    if (!is_dead || i == kLockTries) return false;
    ::usleep(10'000);
  }
  return true;
}

}  // namespace

Result<DataLock> DataLock::acquire(const std::string& directory) {
  const std::string path = directory + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno_error("open " + path, errno);
  DataLock lock(fd);
  ASSIGN_OR_RETURN(const bool is_ours, lock_file(fd, path));
  if (!is_ours) {
    const pid_t holder = holder_of(fd);
    return Error(
        Code::kFailedPrecondition,
        fmt::format("{}: is in use by {}; stop it, or choose another data directory", directory,
                    holder > 0 ? fmt::format("process {}", holder) : "another process"));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return errno_error("write " + path, errno);
  }
  return lock;
}

DataLock::DataLock(DataLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DataLock::~DataLock() {
  if (fd_ >= 0) ::close(fd_);
}

std::string state_path(const std::string& directory) { return directory + "/state.db"; }

std::span<const Migration> state_migrations() { return kMigrations; }

Result<std::unique_ptr<Database>> reopen_state(const std::string& path) {
  return Database::open(path, kApplicationId);
}

Result<std::unique_ptr<Database>> open_state(const std::string& path, std::string_view wall_time) {
  ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::open(path, kApplicationId));
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && info.st_size <= kLargestChecked) {
    RETURN_IF_ERROR(database->check());
  }
  RETURN_IF_ERROR(migrate(*database, kMigrations, wall_time));
  return database;
}

}  // namespace thaw::store
