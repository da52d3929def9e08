#include "store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"

namespace thaw::store {
namespace {

constexpr size_t kMostPrepared = 64;
constexpr int kBusyTimeoutMs = 5000;

// The page cache is small: state is a few hundred rows, read once at start.
constexpr const char* kSettings =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA trusted_schema=OFF;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA cache_size=-512;"
    "PRAGMA journal_size_limit=4194304;";

}  // namespace

struct Database::Handle {
  sqlite3* db = nullptr;
  std::unordered_map<std::string, std::vector<sqlite3_stmt*>> prepared;
  size_t prepared_count = 0;
  bool in_transaction = false;
};

Database::Database(std::string path) : path_(std::move(path)), handle_(new Handle) {}

Database::~Database() {
  for (auto& [sql, statements] : handle_->prepared) {
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  }
  sqlite3_close_v2(handle_->db);
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, int64_t application_id) {
  std::unique_ptr<Database> database(new Database(path));
  RETURN_IF_ERROR(database->connect(application_id));
  return database;
}

Status Database::connect(int64_t application_id) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int code = sqlite3_open_v2(path_.c_str(), &handle_->db, flags, nullptr);
  CHECK(handle_->db != nullptr, "out of memory");
  sqlite3_extended_result_codes(handle_->db, 1);
  if (code != SQLITE_OK) return error_of(code, sqlite3_errmsg(handle_->db));
  sqlite3_busy_timeout(handle_->db, kBusyTimeoutMs);
  sqlite3_db_config(handle_->db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (sqlite3_db_readonly(handle_->db, "main") == 1) {
    return Error(Code::kPermissionDenied,
                 path_ +
                     ": may not be written; change its owner or mode, or choose another "
                     "data directory");
  }
  RETURN_IF_ERROR(claim(application_id));
  return execute(kSettings);
}

// Before any setting, as WAL is written into the file's header.
Status Database::claim(int64_t application_id) {
  Query query = this->query(
      "SELECT (SELECT application_id FROM pragma_application_id), count(*) FROM sqlite_schema");
  ASSIGN_OR_RETURN(const bool row, query.next());
  const int64_t found = row ? query.integer(0) : 0;
  if (found == application_id) return {};
  if (found != 0 || query.integer(1) != 0) {
    return Error(Code::kFailedPrecondition,
                 path_ +
                     ": is a database of another program; nothing was changed, choose "
                     "another data directory");
  }
  // Ends the reading before the header is written.
  while (row && *query.next()) {
  }
  return execute(fmt::format("PRAGMA application_id={}", application_id));
}

Error Database::error_of(int code, std::string_view detail) const {
  const auto make = [&](Code kind, std::string_view what) {
    return Error(kind, fmt::format("{}: {} (SQLite {}: {})", path_, what, code, detail));
  };
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return make(Code::kDataLoss,
                  "is not a SQLite database or its start is damaged; put a copy in its place, or "
                  "move it away to start empty");
    case SQLITE_CORRUPT:
      return make(Code::kDataLoss,
                  "is damaged; put a copy in its place, or try `sqlite3 FILE .recover`");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return make(Code::kPermissionDenied, "may not be written; change its owner or mode");
    case SQLITE_FULL:
      return make(Code::kResourceExhausted, "no room left on the disk; free some");
    case SQLITE_CANTOPEN: {
      const int reason = sqlite3_system_errno(handle_->db);
      return make(
          reason == EACCES || reason == EROFS ? Code::kPermissionDenied : Code::kNotFound,
          std::string("cannot be opened: ") + (reason ? std::strerror(reason) : "is it a folder?"));
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make(Code::kUnavailable, "is locked by another program; stop that one");
    case SQLITE_IOERR:
      return make(
          Code::kUnavailable,
          fmt::format("the disk failed: {}", std::strerror(sqlite3_system_errno(handle_->db))));
    case SQLITE_CONSTRAINT:
      return make(Code::kFailedPrecondition, "a constraint does not hold");
    case SQLITE_TOOBIG:
      return make(Code::kInvalidArgument, "a value is over 1 GB");
    default:
      return make(Code::kInternal, "statement failed");
  }
}

Query Database::query(std::string_view sql) {
  std::string text(sql);
  if (const auto found = handle_->prepared.find(text);
      found != handle_->prepared.end() && !found->second.empty()) {
    sqlite3_stmt* statement = found->second.back();
    found->second.pop_back();
    --handle_->prepared_count;
    return Query(*this, std::move(text), statement);
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_->db, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  Query query(*this, std::move(text), statement);
  query.note(code);
  return query;
}

int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_->db); }

void Database::give_back(std::string sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (handle_->prepared_count >= kMostPrepared) {
    sqlite3_finalize(statement);
    return;
  }
  handle_->prepared[std::move(sql)].push_back(statement);
  ++handle_->prepared_count;
}

Status Database::execute(std::string_view script) {
  const int code =
      sqlite3_exec(handle_->db, std::string(script).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(code, sqlite3_errmsg(handle_->db));
  return {};
}

Result<Transaction> Database::begin() {
  CHECK(!handle_->in_transaction, "transactions do not nest");
  RETURN_IF_ERROR(execute("BEGIN IMMEDIATE"));
  handle_->in_transaction = true;
  return Transaction(*this);
}

Status Database::check() {
  Query query = this->query("PRAGMA quick_check(1)");
  ASSIGN_OR_RETURN(const bool row, query.next());
  if (!row || query.text(0) != "ok") {
    return error_of(SQLITE_CORRUPT, row ? query.text(0) : "quick_check gave no answer");
  }
  return {};
}

Transaction::Transaction(Transaction&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)) {}

Transaction::~Transaction() {
  if (owner_ == nullptr) return;
  owner_->handle_->in_transaction = false;
  // Some errors (disk full) have rolled back already; then there is nothing to undo.
  if (!sqlite3_get_autocommit(owner_->handle_->db)) {
    sqlite3_exec(owner_->handle_->db, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

Status Transaction::commit() {
  CHECK(owner_ != nullptr, "committed twice");
  RETURN_IF_ERROR(owner_->execute("COMMIT"));  // on an error the destructor rolls back
  owner_->handle_->in_transaction = false;
  owner_ = nullptr;
  return {};
}

Query::Query(Database& owner, std::string sql, sqlite3_stmt* statement)
    : owner_(&owner), sql_(std::move(sql)), statement_(statement) {}

Query::Query(Query&& other) noexcept
    : owner_(other.owner_),
      sql_(std::move(other.sql_)),
      statement_(std::exchange(other.statement_, nullptr)),
      fault_(other.fault_),
      fault_text_(std::move(other.fault_text_)),
      bound_(other.bound_) {}

Query::~Query() {
  if (statement_ != nullptr) owner_->give_back(std::move(sql_), statement_);
}

void Query::note(int code) {
  if (code == SQLITE_OK || fault_ != SQLITE_OK) return;
  fault_ = code;
  fault_text_ = fmt::format("{}, in \"{}\"", sqlite3_errmsg(owner_->handle_->db), sql_);
}

Query& Query::bind(int64_t value) {
  if (statement_) note(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

Query& Query::bind(double value) {
  if (statement_) note(sqlite3_bind_double(statement_, ++bound_, value));
  return *this;
}

Query& Query::bind(std::string_view text) {
  if (statement_) {
    // A null pointer would bind NULL, so an empty view gets the address of an empty text.
    note(sqlite3_bind_text64(statement_, ++bound_, text.empty() ? "" : text.data(), text.size(),
                             SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  return *this;
}

Query& Query::bind_blob(std::string_view bytes) {
  if (statement_) {
    note(sqlite3_bind_blob64(statement_, ++bound_, bytes.empty() ? "" : bytes.data(), bytes.size(),
                             SQLITE_TRANSIENT));
  }
  return *this;
}

Query& Query::bind_null() {
  if (statement_) note(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

Result<bool> Query::next() {
  if (fault_ != SQLITE_OK) return owner_->error_of(fault_, fault_text_);
  if (statement_ == nullptr) return Error(Code::kInternal, "an empty SQL statement");
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  note(code);
  return owner_->error_of(fault_, fault_text_);
}

Status Query::run() {
  ASSIGN_OR_RETURN(bool row, next());
  while (row) {
    ASSIGN_OR_RETURN(row, next());
  }
  return {};
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

double Query::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view Query::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace thaw::store
