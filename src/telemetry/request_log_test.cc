// The request log: its lines, who is sampled, and what happens when there is too much.
#include "telemetry/request_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io_linux/epoll_loop.h"
#include "io_linux/local_disk.h"
#include "io_linux/loop_testing.h"
#include "io_linux/thread_worker.h"

namespace thaw::telemetry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

RequestRecord record_of(std::string_view target, int status = 200) {
  return {.time = *parse_rfc3339("2026-11-23T01:02:03.000250Z"),
          .latency = milliseconds(12),
          .status = status,
          .request_size = 120,
          .response_size = 456,
          .span = 0xabc,
          .sampled = true,
          .service = "demo",
          .revision = "demo-00001-abc",
          .instance = "demo-00001-abc-x",
          .method = "GET",
          .host = "demo.localhost",
          .target = target,
          .user_agent = "curl/8",
          .remote_ip = "127.0.0.1",
          .server_ip = "127.0.0.1",
          .protocol = "HTTP/1.1",
          .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"};
}

Json line_of(const RequestRecord& record) {
  std::string text;
  append_line(text, record);
  EXPECT_TRUE(text.ends_with("}\n"));
  const auto json = Json::parse(text);
  EXPECT_TRUE(json) << text;
  return json ? *json : Json();
}

TEST(RequestRecord, HasTheNamesAndFormsOfCloudLogging) {
  const Json line = line_of(record_of("/a?b=c"));
  EXPECT_EQ(line["httpRequest"].dump(),
            R"({"requestMethod":"GET","requestUrl":"http://demo.localhost/a?b=c",)"
            R"("requestSize":"120","status":200,"responseSize":"456","userAgent":"curl/8",)"
            R"("remoteIp":"127.0.0.1","serverIp":"127.0.0.1","latency":"0.012s",)"
            R"("protocol":"HTTP/1.1"})");
  EXPECT_EQ(line.string_or("timestamp"), "2026-11-23T01:02:03.000250Z");
  EXPECT_EQ(line.string_or("trace"), "projects/thaw/traces/4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(line.string_or("spanId"), "0000000000000abc");
  EXPECT_TRUE(line.bool_or("traceSampled", false));
}

TEST(RequestRecord, AsAnEntryHasLogNameResourceAndInstance) {
  const auto line = log_line_from_json(line_of(record_of("/")));
  ASSERT_TRUE(line);
  const Json entry = to_log_entry(*line);
  EXPECT_EQ(entry.string_or("logName"), "projects/thaw/logs/run.googleapis.com%2Frequests");
  EXPECT_EQ(entry["resource"].string_or("type"), "cloud_run_revision");
  EXPECT_EQ(entry["resource"]["labels"].string_or("service_name"), "demo");
  EXPECT_EQ(entry["resource"]["labels"].string_or("revision_name"), "demo-00001-abc");
  EXPECT_EQ(entry["resource"]["labels"].string_or("location"), "local");
  EXPECT_EQ(entry["labels"].string_or("instanceId"), "demo-00001-abc-x");
  EXPECT_EQ(entry["httpRequest"].int_or("status", 0), 200);
}

TEST(RequestRecord, SeverityIsByStatus) {
  for (const auto& [status, severity] :
       {std::pair{101, "INFO"}, std::pair{304, "INFO"}, std::pair{404, "WARNING"},
        std::pair{499, "WARNING"}, std::pair{500, "ERROR"}, std::pair{504, "ERROR"}}) {
    EXPECT_EQ(line_of(record_of("/", status)).string_or("severity"), severity) << status;
  }
}

TEST(RequestRecord, LatencyHasThreeOrSixDecimals) {
  RequestRecord record = record_of("/");
  for (const auto& [latency, text] :
       {std::pair{Duration(0), "0.000s"}, std::pair{milliseconds(12), "0.012s"},
        std::pair{milliseconds(0.25), "0.000250s"}, std::pair{seconds(3600), "3600.000s"},
        std::pair{Duration(-5), "0.000s"}}) {
    record.latency = latency;
    EXPECT_EQ(line_of(record)["httpRequest"].string_or("latency"), text);
  }
}

TEST(RequestRecord, WhateverAClientSendsItIsOneLineOfJson) {
  RequestRecord record = record_of("/\"\\\x01\n\xff");
  record.user_agent = "\"},\"severity\":\"\xc3\x28 \xe2\x82\xac";
  record.referer = "\t";
  record.host = "a\"b";
  const Json line = line_of(record);
  EXPECT_EQ(line.string_or("severity"), "INFO");
  EXPECT_THAT(line["httpRequest"].string_or("userAgent"), HasSubstr("\xe2\x82\xac"));
  EXPECT_THAT(line["httpRequest"].string_or("requestUrl"), HasSubstr("http://a\"b/\"\\\x01\n"));
  record.target = "*";
  record.trace_id = {};
  EXPECT_EQ(line_of(record)["httpRequest"].string_or("requestUrl"), "*");
  EXPECT_EQ(line_of(record).find("trace"), nullptr);
}

TEST(RequestRecord, AShareIsDrawnByTraceAndFailuresAreAlwaysLogged) {
  RequestRecord low = record_of("/"), high = record_of("/");
  low.trace_id = "ffffffffffffffff0fffffffffffffff";
  high.trace_id = "0000000000000000f000000000000000";
  EXPECT_TRUE(is_logged(low, 0.1));
  EXPECT_FALSE(is_logged(high, 0.1));
  EXPECT_TRUE(is_logged(high, 0.99));
  EXPECT_TRUE(is_logged(high, 1));
  EXPECT_FALSE(is_logged(low, 0));
  high.status = 503;
  EXPECT_TRUE(is_logged(high, 0.1));
  EXPECT_FALSE(is_logged(high, 0));
}

TEST(RequestBatch, GivesBackWhatCameAndCutsWhatIsEndless) {
  RequestBatch batch;
  const std::string endless(1 << 20, 'x');
  EXPECT_TRUE(batch.add(record_of("/one", 201), {}));
  EXPECT_TRUE(batch.add(record_of(endless), {}));
  std::vector<std::string> targets;
  batch.for_each([&](const RequestRecord& record) {
    targets.emplace_back(record.target);
    EXPECT_EQ(record.service, "demo");
    EXPECT_EQ(record.trace_id.size(), 32u);
  });
  EXPECT_THAT(targets, ElementsAre("/one", endless.substr(0, RequestBatch::kLongestText)));
  batch.clear();
  EXPECT_TRUE(batch.empty());
}

TEST(RequestBatch, IsFullByRecordsOrByText) {
  RequestBatch batch;
  EXPECT_TRUE(batch.add(record_of("/"), {.records = 1, .text = 1000}));
  EXPECT_FALSE(batch.add(record_of("/"), {.records = 1, .text = 1000}));
  EXPECT_FALSE(batch.add(record_of("/"), {.records = 9, .text = 10}));
  EXPECT_TRUE(batch.add(record_of("/"), {.records = 9, .text = 1000}));
}

class RequestLogOnDisk : public ::testing::Test {
 protected:
  static std::string new_folder() {
    char path[] = "/tmp/thaw-requests-XXXXXX";
    return std::string(::mkdtemp(path)) + "/logs";
  }
  ~RequestLogOnDisk() override {
    std::filesystem::remove_all(std::filesystem::path(folder_).parent_path());
  }
  std::vector<std::string> read(const LogFilter& filter = {}) {
    std::vector<std::string> words;
    bool done = false;
    requests_.read(ServiceId("demo"), filter, [&](const std::vector<LogLine>& lines) {
      for (const LogLine& line : lines) {
        const Json& request = line.entry["httpRequest"];
        words.push_back(request.is_object() ? request.string_or("requestUrl") : line.message);
      }
      done = true;
    });
    io_linux::run_until(loop_, [&] { return done; });
    return words;
  }

  io_linux::EpollLoop loop_;
  io_linux::LocalDisk disk_;
  std::string folder_ = new_folder();
  Logs logs_{disk_, folder_};
  io_linux::ThreadWorker worker_{loop_};
  RequestLog requests_{
      loop_, worker_, disk_, logs_, {.largest_file = ByteCount{4000}, .room = {.records = 4}}};
};

TEST_F(RequestLogOnDisk, ShowsWhatCameBeforeAmongTheOtherLines) {
  requests_.add(record_of("/first"));
  LogLine line{.service = ServiceId("demo"), .message = "between"};
  line.time = record_of("").time + milliseconds(1);
  logs_.append(line);
  RequestRecord later = record_of("/later", 404);
  later.time += milliseconds(2);
  requests_.add(later);
  EXPECT_THAT(read(),
              ElementsAre("http://demo.localhost/first", "between", "http://demo.localhost/later"));
  EXPECT_THAT(read({.tail = 2}), ElementsAre("between", "http://demo.localhost/later"));
  EXPECT_THAT(read({.lowest_severity = "WARNING"}), ElementsAre("http://demo.localhost/later"));
  logs_.remove(ServiceId("demo"));
  EXPECT_THAT(read(), ElementsAre());
}

TEST_F(RequestLogOnDisk, WhatFindsNoRoomIsDroppedAndCounted) {
  for (int i = 0; i < 40; ++i) requests_.add(record_of("/"));  // the loop does not turn meanwhile
  // Two were handed over at half of the room, four wait.
  EXPECT_EQ(read().size(), 6u);
  EXPECT_EQ(requests_.dropped(), 34u);
}

TEST_F(RequestLogOnDisk, FilesAreTwoOfTheLargestSize) {
  for (int i = 0; i < 60; ++i) {
    requests_.add(record_of("/" + std::string(100, 'x')));
    ASSERT_FALSE(read({.tail = 1}).empty());
  }
  const size_t kept = read({.tail = 1000}).size();
  EXPECT_GT(kept, 5u);
  EXPECT_LT(kept, 30u);
  EXPECT_LT(std::filesystem::file_size(folder_ + "/demo.requests.jsonl"), 6000u);
  EXPECT_LT(std::filesystem::file_size(folder_ + "/demo.requests.1.jsonl"), 6000u);
}

TEST_F(RequestLogOnDisk, AFollowerGetsEachRequestOnce) {
  std::vector<std::string> told;
  const auto subscription = logs_.follow(ServiceId("demo"), [&](const LogLine& line) {
    told.push_back(line.entry["httpRequest"].string_or("requestUrl"));
  });
  requests_.add(record_of("/a"));
  requests_.add(record_of("/b"));
  io_linux::run_until(loop_, [&] { return told.size() >= 2; });
  EXPECT_THAT(told, ElementsAre("http://demo.localhost/a", "http://demo.localhost/b"));
}

TEST_F(RequestLogOnDisk, LinesThatTheDiskDoesNotTakeAreCounted) {
  std::ofstream(folder_) << "a file where the folder should be";
  requests_.add(record_of("/a"));
  bool done = false;
  requests_.when_written([&] { done = true; });
  io_linux::run_until(loop_, [&] { return done; });
  EXPECT_EQ(requests_.dropped(), 1u);
}

TEST(Logged, AProgramsTraceAndLabelsBecomeFieldsOfTheEntry) {
  const LogLine line = line_of_output(
      R"({"logging.googleapis.com/trace":"projects/p/traces/1",)"
      R"("logging.googleapis.com/spanId":"2",)"
      R"("logging.googleapis.com/labels":{"a":"b"},"logging.googleapis.com/trace_sampled":true,)"
      R"("httpRequest":{"status":200},"other":1,"logging.googleapis.com/insertId":5})",
      LogLine::Stream::kStdout);
  EXPECT_EQ(line.payload.dump(), R"({"other":1,"logging.googleapis.com/insertId":5})");
  const auto again = log_line_from_json(*Json::parse(to_json(line).dump()));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->entry.string_or("trace"), "projects/p/traces/1");
  EXPECT_EQ(again->entry["labels"].string_or("a"), "b");
  EXPECT_TRUE(again->entry.bool_or("traceSampled", false));
  EXPECT_EQ(again->entry["httpRequest"].int_or("status", 0), 200);
  EXPECT_THAT(to_log_entry(line).string_or("logName"), HasSubstr("%2Fstdout"));
}

}  // namespace
}  // namespace thaw::telemetry
