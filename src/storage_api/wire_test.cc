// The parsers of what clients send: paths, ranges, multipart bodies, batches, promises.
#include <gtest/gtest.h>

#include "storage_api/batch.h"
#include "storage_api/cors.h"
#include "storage_api/intake.h"
#include "storage_api/multipart.h"
#include "storage_api/ranges.h"
#include "storage_api/target.h"

namespace thaw::storage_api {
namespace {

using Kind = Target::Kind;

bool is_taken(std::string_view part) { return part == "apis"; }
Kind kind_of(std::string_view path) {
  const auto target = parse_target(path, is_taken);
  return target ? target->kind : Kind::kUnknown;
}

TEST(Targets, AreFoundInEveryFormThatClientsSend) {
  EXPECT_EQ(kind_of("/storage/v1/b"), Kind::kBuckets);
  EXPECT_EQ(kind_of("/b"), Kind::kBuckets);
  EXPECT_EQ(kind_of("/b/bkt"), Kind::kBucket);
  EXPECT_EQ(kind_of("/storage/v1/b/bkt/o"), Kind::kObjects);
  EXPECT_EQ(kind_of("/upload/storage/v1/b/bkt/o"), Kind::kUpload);
  EXPECT_EQ(kind_of("/resumable/upload/storage/v1/b/bkt/o"), Kind::kUpload);
  EXPECT_EQ(kind_of("/batch/storage/v1"), Kind::kBatch);
  EXPECT_EQ(kind_of("/storage/v1/b/bkt/o/n/compose"), Kind::kCompose);
  EXPECT_EQ(kind_of("/storage/v1/b/bkt/notificationConfigs/1"), Kind::kBucketPart);
  EXPECT_EQ(kind_of("/storage/v1/projects/p/serviceAccount"), Kind::kServiceAccount);
  EXPECT_EQ(kind_of("/storage/v1/nonsense"), Kind::kUnknown);
  const auto object = parse_target("/download/storage/v1/b/bkt/o/a%2Fb", is_taken);
  EXPECT_EQ(object->object, "a/b");
  const auto rewrite = parse_target("/b/b1/o/x%2Fy/rewriteTo/b/b2/o/z", is_taken);
  EXPECT_EQ(rewrite->kind, Kind::kRewrite);
  EXPECT_EQ(rewrite->to_bucket + rewrite->to_object, "b2z");
  const auto xml = parse_target("/bkt/dir/na%20me", is_taken);
  EXPECT_EQ(xml->kind, Kind::kXmlObject);
  EXPECT_EQ(xml->object, "dir/na me");
  EXPECT_FALSE(parse_target("/apis/x", is_taken)) << "another API's";
  EXPECT_FALSE(parse_target("/UPPER/x", is_taken));
  EXPECT_EQ(kind_of("/storage/v1/b/%zz"), Kind::kUnknown);
}

TEST(Ranges, OfDownloadsFollowTheStandard) {
  struct Case {
    const char* header;
    Slice::Kind kind;
    int64_t begin, end;
  };
  const Case cases[] = {
      {"bytes=0-9", Slice::Kind::kPart, 0, 10},
      {"bytes=5-", Slice::Kind::kPart, 5, 100},
      {"bytes=-10", Slice::Kind::kPart, 90, 100},
      {"bytes=90-500", Slice::Kind::kPart, 90, 100},
      {"bytes=-500", Slice::Kind::kPart, 0, 100},
      {"bytes=100-", Slice::Kind::kNone, 0, 0},
      {"bytes=-0", Slice::Kind::kNone, 0, 0},
      {"bytes=9-5", Slice::Kind::kAll, 0, 100},
      {"bytes=0-1,5-6", Slice::Kind::kAll, 0, 100},
      {"lines=1-2", Slice::Kind::kAll, 0, 100},
      {"bytes=a-b", Slice::Kind::kAll, 0, 100},
      {"bytes=99999999999999999999-", Slice::Kind::kAll, 0, 100},
  };
  for (const Case& c : cases) {
    const Slice slice = parse_range(c.header, 100);
    EXPECT_EQ(slice.kind, c.kind) << c.header;
    EXPECT_EQ(slice.begin, c.begin) << c.header;
    EXPECT_EQ(slice.end, c.end) << c.header;
  }
  EXPECT_EQ(parse_range("bytes=0-0", 0).kind, Slice::Kind::kNone);
}

TEST(Ranges, OfUploadsHaveAllForms) {
  using RangeKind = ContentRange::Kind;
  const auto part = parse_content_range("bytes 0-9/20");
  EXPECT_EQ(part->kind, RangeKind::kPart);
  EXPECT_EQ(part->end, 10);
  EXPECT_EQ(part->total, 20);
  EXPECT_EQ(parse_content_range("bytes 5-9/*")->total, std::nullopt);
  EXPECT_EQ(parse_content_range("bytes */*")->kind, RangeKind::kQuery);
  EXPECT_EQ(parse_content_range("bytes */0")->total, 0);
  EXPECT_EQ(parse_content_range("bytes 0-*/*")->kind, RangeKind::kToTheEnd);
  for (const char* bad : {"", "bytes", "bytes 0-9", "bytes 9-0/20", "bytes 0-20/20", "bytes x-9/20",
                          "bytes 0-9/x", "bytes -9/20", "bytes 0-99999999999999999999/*"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
}

/// All parts of a body that comes in pieces of `step` bytes, as "name=content;".
std::string parts_of(std::string_view body, std::string_view boundary, size_t step) {
  std::string text;
  MultipartReader reader(boundary, {.on_part = [&](const http::Headers& headers) -> Status {
                                      text += std::string(headers.get("name")) + "=";
                                      return {};
                                    },
                                    .on_content = [&](std::string_view content) -> Status {
                                      text += content;
                                      return {};
                                    },
                                    .on_part_end = [&]() -> Status {
                                      text += ";";
                                      return {};
                                    }});
  for (size_t at = 0; at < body.size(); at += step) {
    if (auto status = reader.add(body.substr(at, step)); !status) return status.error().message();
  }
  if (auto status = reader.end(); !status) return status.error().message();
  return text;
}

TEST(Multipart, IsTheSameHoweverItArrives) {
  const std::string crlf =
      "--x\r\nname: a\r\n\r\n{}\r\n--x\r\nname: b\r\n\r\nbin\r\n-\r\n--\n--y\r\n--x--\r\n";
  const std::string bare = "--x\nname: a\n\n{}\n--x\nname: b\n\nbin\r\n-\r\n--\n--y\n--x--\n";
  for (size_t step = 1; step < 90; ++step) {
    EXPECT_EQ(parts_of(crlf, "x", step), "a={};b=bin\r\n-\r\n--\n--y;") << step;
    EXPECT_EQ(parts_of(bare, "x", step), "a={};b=bin\r\n-\r\n--\n--y;") << step;
    EXPECT_EQ(parts_of("--x\nname: a\n\n\n--x--", "x", step), "a=;") << "empty content";
  }
}

TEST(Multipart, FaultsAreTold) {
  EXPECT_NE(parts_of("--x\nname: a\n\ncut", "x", 3).find("closing boundary"), std::string::npos);
  EXPECT_NE(parts_of("--xtra\nname: a\n\n--x--", "x", 50).find("behind a boundary"),
            std::string::npos);
  EXPECT_NE(parts_of("--x\nno header here\n\n--x--", "x", 50).find("no name"), std::string::npos);
  EXPECT_NE(parts_of("--x\na: " + std::string(20000, 'a'), "x", 900).find("16 KiB"),
            std::string::npos);
}

TEST(Multipart, BoundariesMayBeQuotedEitherWay) {
  EXPECT_EQ(boundary_of("multipart/related; boundary='===1==' "), "===1==");
  EXPECT_EQ(boundary_of("multipart/related; type=x; boundary=\"a;b\""), "a;b");
  EXPECT_EQ(boundary_of("Multipart/Mixed;boundary=abc; x=y"), "abc");
  EXPECT_EQ(boundary_of("text/plain; boundary=abc"), std::nullopt);
  EXPECT_EQ(boundary_of("multipart/mixed"), std::nullopt);
  EXPECT_EQ(boundary_of("multipart/mixed; boundary="), std::nullopt);
  EXPECT_EQ(boundary_of("multipart/mixed; boundary='open"), std::nullopt);
}

TEST(Batches, PartsAreRequests) {
  const auto parts = parse_batch("multipart/mixed; boundary=b",
                                 "--b\nContent-Type: application/http\nContent-ID: <1>\n\n"
                                 "DELETE https://host/storage/v1/b/x/o/y?a=b HTTP/1.1\nA: b\n\n\n"
                                 "--b\n\nPATCH /storage/v1/b/x/o/y\n\n{\"k\":1}\n--b--\n");
  ASSERT_TRUE(parts) << parts.error().message();
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].content_id, "1");
  EXPECT_EQ((*parts)[0].request.path, "/storage/v1/b/x/o/y");
  EXPECT_EQ((*parts)[0].request.headers.get("a"), "b");
  EXPECT_EQ((*parts)[1].request.body, "{\"k\":1}");
  for (const char* bad : {"--b\n\nnonsense\n--b--", "--b\n\nGET x\n--b--", "--b--", ""}) {
    EXPECT_FALSE(parse_batch("multipart/mixed; boundary=b", bad)) << bad;
  }
  std::string many;
  for (int i = 0; i < 101; ++i) many += "--b\n\nGET /b\n\n";
  EXPECT_FALSE(parse_batch("multipart/mixed; boundary=b", many + "--b--"));
}

TEST(Intakes, HoldSendersToTheirPromises) {
  Call call;
  call.target.bucket = "bkt";
  const auto intake = Intake::read(
      call,
      *Json::parse(R"({"name":"n","crc32c":"4waSgw==","md5Hash":"JfnnlDI7RTiF9RgfG2JNCw=="})"),
      "text/x");
  ASSERT_TRUE(intake);
  EXPECT_EQ(intake->settings.string_or("contentType"), "text/x");
  objects::Hasher hasher;
  hasher.add("123456789");
  objects::Content content{.id = "c1", .size = 9, .checksums = hasher.finish()};
  EXPECT_TRUE(intake->check(content));
  const auto again = Intake::from_json("bkt", "n", *Json::parse(intake->to_json().dump()));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->check(content));
  content.checksums.crc32c ^= 1;
  EXPECT_EQ(again->check(content).error().code(), Code::kInvalidArgument);
  Intake other = *intake;
  EXPECT_FALSE(other.add_promises({{"x-goog-hash", "md5=short"}}));
  EXPECT_FALSE(Intake::read(call, *Json::parse("{}"), "")) << "without a name";
}

TEST(Intakes, KeepTheSizesThatAHeaderAllows) {
  Call call;
  call.target.bucket = "bkt";
  const auto read = [&](const char* sizes) {
    call.request.headers.set("x-goog-content-length-range", sizes);
    return Intake::read(call, *Json::parse(R"({"name":"n"})"), "");
  };
  for (const char* bad : {"", "5", "5,", ",5", "5,4", "-1,5", "a,b", "1,2,3"}) {
    EXPECT_FALSE(read(bad)) << bad;
  }
  const auto intake = read("2, 4");
  ASSERT_TRUE(intake);
  const auto again = Intake::from_json("bkt", "n", *Json::parse(intake->to_json().dump()));
  for (const int64_t size : {1, 2, 4, 5}) {
    objects::Content content{.id = "c1", .size = size};
    const bool fits = size >= 2 && size <= 4;
    EXPECT_EQ(intake->check(content).has_value(), fits) << size;
    EXPECT_EQ(again->check(content).has_value(), fits) << size << " after a restart";
  }
}

TEST(Cors, LetsInWhatARuleNames) {
  const Json rules = *Json::parse(
      R"([{"origin":["https://*.example.com"],"method":["GET"],"responseHeader":["etag"]}])");
  http::Request request{.headers = {{"origin", "https://a.example.com"}}};
  ASSERT_TRUE(cors_headers(rules, request));
  EXPECT_EQ(cors_headers(rules, request)->get("access-control-expose-headers"), "etag");
  request.method = "PUT";
  EXPECT_FALSE(cors_headers(rules, request));
  request.method = "OPTIONS";
  request.headers.add("access-control-request-method", "GET");
  EXPECT_EQ(cors_headers(rules, request)->get("access-control-allow-methods"), "GET");
  request.headers.set("origin", "https://evil.com");
  EXPECT_FALSE(cors_headers(rules, request));
}

}  // namespace
}  // namespace thaw::storage_api
