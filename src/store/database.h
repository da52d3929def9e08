// Database: one SQLite connection, behind types of ours: no sqlite3.h in any header.
//
// WAL, synchronous=FULL, foreign keys on: what a committed transaction wrote survives kill -9 and
// power loss. Not for object bodies. State's file and tables: open_state() in state.h.
//
// **Thread**: one at a time; a second thread opens a Database of its own on the same file.
// **Owner**: a Query or Transaction must not outlive its Database.
// **Limits**: another connection's write is waited for 5 s, then kUnavailable; 64 statements are
// kept prepared.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3_stmt;

namespace thaw::store {

class Database;

/// One execution of a statement: bind in order, then run() or next() until false.
/// A fault while preparing or binding is answered by run() or next().
/// Columns are counted from 0; text() lives until the next call of next().
class [[nodiscard]] Query {
 public:
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  ~Query();

  Query& bind(int64_t value);
  Query& bind(double value);
  Query& bind(std::string_view text);  // copied
  Query& bind_blob(std::string_view bytes);
  Query& bind_null();

  /// True: a row is there to be read.
  Result<bool> next();
  /// For statements without rows.
  Status run();

  bool is_null(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  // also blobs; "" for null

 private:
  friend class Database;
  Query(Database& owner, std::string sql, sqlite3_stmt* statement);
  void note(int code);

  Database* owner_;
  std::string sql_;
  sqlite3_stmt* statement_;  // null: it could not be prepared
  int fault_ = 0;            // the first, of prepare or bind
  std::string fault_text_;
  int bound_ = 0;
};

/// Rolled back when dropped before commit().
class [[nodiscard]] Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  /// After OK it is durable. After an error nothing of it was kept.
  Status commit();

 private:
  friend class Database;
  explicit Transaction(Database& owner) : owner_(&owner) {}
  Database* owner_;
};

class Database {
 public:
  /// Opens or creates the file; ":memory:" is a database of its own that is never written.
  /// `application_id` marks a new file as ours; a file with another mark is left untouched:
  /// kFailedPrecondition.
  /// kDataLoss: no SQLite database, or damaged. kPermissionDenied, kResourceExhausted (no room),
  /// kUnavailable (locked): as they say. The messages name the path and what to do.
  static Result<std::unique_ptr<Database>> open(const std::string& path, int64_t application_id);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Query query(std::string_view sql);
  /// The row that the last INSERT made.
  int64_t last_row() const;
  /// Statements without parameters and rows, one after another.
  Status execute(std::string_view script);
  /// Takes the write lock at once. Transactions do not nest.
  Result<Transaction> begin();

  /// Reads every page: kDataLoss with the first fault found. Takes about 1 s per GB.
  Status check();
  const std::string& path() const { return path_; }

 private:
  friend class Query;
  friend class Transaction;
  struct Handle;
  explicit Database(std::string path);
  Status connect(int64_t application_id);
  Status claim(int64_t application_id);
  Error error_of(int code, std::string_view detail) const;
  void give_back(std::string sql, sqlite3_stmt* statement);

  std::string path_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace thaw::store
