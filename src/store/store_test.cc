// Opening, statements, transactions, migrations and the lock, on real temporary files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "store/database.h"
#include "store/migrate.h"
#include "store/state.h"

namespace thaw::store {
namespace {

using ::testing::HasSubstr;
constexpr int64_t kMark = 7;
constexpr std::string_view kWhen = "2026-01-02T03:04:05Z";

class TempDir {
 public:
  TempDir() {
    char path[] = "/tmp/thaw-store-XXXXXX";
    path_ = ::mkdtemp(path);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What `body` returned in a process of its own, which ends without any clean-up.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int64_t count(Database& database, const std::string& table) {
  Query query = database.query("SELECT count(*) FROM " + table);
  const auto row = query.next();
  return row && *row ? query.integer(0) : -1;
}

TEST(Database, KeepsEachTypeAsItWas) {
  auto database = *Database::open(":memory:", kMark);
  ASSERT_TRUE(database->execute("CREATE TABLE t(a, b, c, d, e)"));
  const std::string bytes("\0\xff\x01", 3);
  ASSERT_TRUE(database->query("INSERT INTO t VALUES(?,?,?,?,?)")
                  .bind(INT64_MIN)
                  .bind(0.1)
                  .bind("")
                  .bind_blob(bytes)
                  .bind_null()
                  .run());
  Query query = database->query("SELECT * FROM t");
  ASSERT_TRUE(*query.next());
  EXPECT_EQ(query.integer(0), INT64_MIN);
  EXPECT_EQ(query.real(1), 0.1);
  EXPECT_EQ(query.text(2), "");
  EXPECT_FALSE(query.is_null(2));
  EXPECT_EQ(query.text(3), bytes);
  EXPECT_TRUE(query.is_null(4));
  EXPECT_FALSE(*query.next());
}

TEST(Database, AStatementInUseTwiceKeepsItsRowsApart) {
  auto database = *Database::open(":memory:", kMark);
  ASSERT_TRUE(database->execute("CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)"));
  Query outer = database->query("SELECT a FROM t ORDER BY a");
  Query inner = database->query("SELECT a FROM t ORDER BY a");
  ASSERT_TRUE(*outer.next());
  ASSERT_TRUE(*inner.next());
  ASSERT_TRUE(*inner.next());
  EXPECT_EQ(outer.integer(0), 1);
  EXPECT_EQ(inner.integer(0), 2);
}

TEST(Database, ReusedStatementsForgetTheirParameters) {
  auto database = *Database::open(":memory:", kMark);
  ASSERT_TRUE(database->execute("CREATE TABLE t(a)"));
  ASSERT_TRUE(database->query("INSERT INTO t VALUES(?)").bind("one").run());
  ASSERT_TRUE(database->query("INSERT INTO t VALUES(?)").run());
  Query query = database->query("SELECT a FROM t WHERE rowid=2");
  ASSERT_TRUE(*query.next());
  EXPECT_TRUE(query.is_null(0));
}

TEST(Database, WrongSqlAnswersAnErrorWithTheStatement) {
  auto database = *Database::open(":memory:", kMark);
  const auto done = database->query("SELEC 1").run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::kInternal);
  EXPECT_THAT(done.error().message(), HasSubstr("SELEC 1"));
  EXPECT_FALSE(database->query("SELECT ?").bind("a").bind("one too many").run());
  EXPECT_FALSE(database->query("").run());
}

TEST(Database, DroppedTransactionsLeaveNothing) {
  auto database = *Database::open(":memory:", kMark);
  ASSERT_TRUE(database->execute("CREATE TABLE t(a)"));
  {
    auto transaction = database->begin();
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database->execute("INSERT INTO t VALUES(1)"));
  }
  EXPECT_EQ(count(*database, "t"), 0);
  auto transaction = database->begin();
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(database->execute("INSERT INTO t VALUES(1)"));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(count(*database, "t"), 1);
}

TEST(Database, ForeignKeysHold) {
  auto database = *open_state(":memory:", kWhen);
  const auto done =
      database->execute("INSERT INTO revisions VALUES('r','absent',1,'u',1,'c','t',0,0,'','','s')");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::kFailedPrecondition);
}

TEST(Database, AFullDiskRollsBackAndLeavesTheDatabaseUsable) {
  TempDir dir;
  auto database = *Database::open(dir / "state.db", kMark);
  ASSERT_TRUE(database->execute("CREATE TABLE t(a); PRAGMA max_page_count=20"));
  {
    auto transaction = *database->begin();
    ASSERT_TRUE(database->query("INSERT INTO t VALUES('kept?')").run());
    const auto done = database->query("INSERT INTO t VALUES(zeroblob(1000000))").run();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::kResourceExhausted);
    EXPECT_THAT(done.error().message(), HasSubstr("no room"));
  }
  EXPECT_EQ(count(*database, "t"), 0);
  EXPECT_TRUE(database->execute("INSERT INTO t VALUES(1)"));
}

TEST(Database, CommittedSurvivesADeadProcessAndUncommittedDoesNot) {
  TempDir dir;
  const std::string path = dir / "state.db";
  ASSERT_EQ(in_child([&] {
              auto database = *Database::open(path, kMark);
              if (!database->execute("CREATE TABLE t(a)")) return 1;
              for (int64_t i = 0; i < 100; ++i) {
                auto transaction = *database->begin();
                if (!database->query("INSERT INTO t VALUES(?)").bind(i).run()) return 2;
                if (!transaction.commit()) return 3;
              }
              auto open = *database->begin();
              if (!database->execute("DELETE FROM t")) return 4;
              ::_exit(0);  // the transaction is open
            }),
            0);
  auto database = *Database::open(path, kMark);
  EXPECT_EQ(count(*database, "t"), 100);
}

TEST(Database, WhatIsNoDatabaseIsRefusedAndNotTouched) {
  TempDir dir;
  const std::string path = dir / "state.db";
  const std::string garbage(5000, 'x');
  write(path, garbage);
  const auto opened = open_state(path, kWhen);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::kDataLoss);
  EXPECT_THAT(opened.error().message(), HasSubstr(path));
  EXPECT_THAT(opened.error().message(), HasSubstr("not a SQLite database"));
  EXPECT_EQ(read(path), garbage);
}

TEST(Database, AnotherProgramsDatabaseIsRefusedAndNotTouched) {
  TempDir dir;
  const std::string path = dir / "state.db";
  {
    auto other = *Database::open(path, 99);
    ASSERT_TRUE(other->execute("CREATE TABLE t(a)"));
  }
  const std::string before = read(path);
  const auto opened = open_state(path, kWhen);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(opened.error().message(), HasSubstr("another program"));
  EXPECT_EQ(read(path), before);
}

TEST(Database, FoldersAndAbsentFoldersAreNamed) {
  TempDir dir;
  for (const std::string& path : {dir.path(), dir / "absent/state.db"}) {
    const auto opened = open_state(path, kWhen);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message(), HasSubstr(path));
  }
}

TEST(Database, AFileThatMayNotBeWrittenSaysSo) {
  TempDir dir;
  const std::string path = dir / "state.db";
  ASSERT_TRUE(open_state(path, kWhen));
  ::chmod(dir.path().c_str(), 0755);
  ::chmod(path.c_str(), 0444);
  // As another user when we are root, whom modes do not bind.
  EXPECT_EQ(in_child([&] {
              if (::getuid() == 0 && ::setuid(65534) != 0) return 1;
              const auto opened = open_state(path, kWhen);
              if (opened) return 2;
              return opened.error().code() == Code::kPermissionDenied ? 0 : 3;
            }),
            0);
}

// A state database with content in several pages.
std::string filled(const TempDir& dir) {
  const std::string path = dir / "state.db";
  auto database = *open_state(path, kWhen);
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(database->query("INSERT INTO services VALUES(?,1,?)")
                    .bind("service-" + std::to_string(i))
                    .bind(std::string(200, 'a'))
                    .run());
  }
  EXPECT_TRUE(database->query("PRAGMA wal_checkpoint(TRUNCATE)").run());
  return path;
}

TEST(Database, ADamagedFileAnswersAnErrorOrItsRowsButNeverCrashes) {
  TempDir dir;
  const std::string path = filled(dir);
  const std::string whole = read(path);
  ASSERT_GT(whole.size(), 20'000u);
  int refused = 0;
  uint32_t random = 1;
  for (int round = 0; round < 300; ++round) {
    std::string damaged = whole;
    random = random * 1664525 + 1013904223;
    if (round % 3 == 0) {
      damaged.resize(random % whole.size());
    } else {
      for (int i = 0; i < 64; ++i) {
        random = random * 1664525 + 1013904223;
        damaged[(random >> 4) % damaged.size()] = static_cast<char>(random >> 20);
      }
    }
    const std::string copy = dir / "damaged.db";
    write(copy, damaged);
    const auto opened = open_state(copy, kWhen);
    if (!opened) {
      ++refused;
      EXPECT_THAT(opened.error().message(), HasSubstr("damaged"))
          << opened.error().message() << " in round " << round;
    } else {
      count(**opened, "services");
    }
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(copy + suffix);
  }
  EXPECT_GT(refused, 200);
}

TEST(Migrate, MakesTheTablesOnceAndNotesEachStep) {
  TempDir dir;
  const std::string path = dir / "state.db";
  for (int i = 0; i < 2; ++i) {
    auto database = open_state(path, kWhen);
    ASSERT_TRUE(database) << database.error().message();
    EXPECT_EQ(count(**database, "schema_migrations"),
              static_cast<int64_t>(state_migrations().size()));
    EXPECT_EQ(count(**database, "meter_batch"), 1);
  }
}

TEST(Migrate, ANewerDatabaseIsRefusedAndNotTouched) {
  TempDir dir;
  const std::string path = dir / "state.db";
  {
    auto database = *open_state(path, kWhen);
    ASSERT_TRUE(database->execute("INSERT INTO schema_migrations VALUES(1000,'from later','x')"));
  }
  const std::string before = read(path);
  const auto opened = open_state(path, kWhen);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(opened.error().message(), HasSubstr("newer version (schema 1000"));
  EXPECT_EQ(read(path), before);
}

TEST(Migrate, AFailingStepLeavesWholeStepsOnlyAndGoesOnLater) {
  auto database = *Database::open(":memory:", kMark);
  const Migration broken[] = {{1, "first", "CREATE TABLE a(x)"},
                              {2, "second", "CREATE TABLE b(x); CREATE TABLE a(x)"}};
  const auto done = migrate(*database, broken, kWhen);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message(), HasSubstr("schema step 2 (second)"));
  EXPECT_EQ(count(*database, "a"), 0);
  EXPECT_EQ(count(*database, "b"), -1);
  const Migration mended[] = {{1, "first", "CREATE TABLE a(x)"},
                              {2, "second", "CREATE TABLE b(x)"}};
  ASSERT_TRUE(migrate(*database, mended, kWhen));
  EXPECT_EQ(count(*database, "b"), 0);
}

TEST(DataLock, ASecondProcessIsToldThePidOfTheFirst) {
  TempDir dir;
  auto lock = DataLock::acquire(dir.path());
  ASSERT_TRUE(lock) << lock.error().message();
  // A lock belongs to the open file, so a second open is refused even in the same process.
  const auto second = DataLock::acquire(dir.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(second.error().message(), HasSubstr("process " + std::to_string(::getpid())));
}

TEST(DataLock, IsFreeAgainWhenItsHolderDied) {
  TempDir dir;
  ASSERT_EQ(in_child([&]() -> int {
              auto lock = DataLock::acquire(dir.path());
              ::_exit(lock ? 0 : 1);
            }),
            0);
  EXPECT_TRUE(DataLock::acquire(dir.path()));
}

// The platform is killed between the fork and the exec of an instance.
TEST(DataLock, IsWaitedForWhileAChildOfItsDeadHolderKeepsIt) {
  TempDir dir;
  std::array<int, 2> end{};
  ASSERT_EQ(::pipe(end.data()), 0);
  ASSERT_EQ(in_child([&]() -> int {
              auto lock = DataLock::acquire(dir.path());
              ::close(end[1]);
              char byte = 0;
              if (::fork() == 0) ::_exit(static_cast<int>(::read(end[0], &byte, 1)));
              ::_exit(lock ? 0 : 1);
            }),
            0);
  std::thread closer([&] { ::close(end[1]); });
  EXPECT_TRUE(DataLock::acquire(dir.path()));
  closer.join();
  ::close(end[0]);
}

TEST(DataLock, AnAbsentFolderIsNamed) {
  TempDir dir;
  const auto lock = DataLock::acquire(dir / "absent");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code(), Code::kNotFound);
  EXPECT_THAT(lock.error().message(), HasSubstr("absent/lock"));
}

}  // namespace
}  // namespace thaw::store
