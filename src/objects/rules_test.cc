// The pure parts: names, checksums, conditions, settings, listings' patterns, lifecycle.
#include <gtest/gtest.h>

#include "base/base64.h"
#include "objects/checksums.h"
#include "objects/lifecycle.h"
#include "objects/list_query.h"
#include "objects/names.h"
#include "objects/settings.h"

namespace thaw::objects {
namespace {

TEST(Names, BucketsAreSmallLettersDigitsAndDashes) {
  for (const char* good : {"abc", "a-b_c.d", "0aa", "a.b"})
    EXPECT_TRUE(check_bucket_name(good)) << good;
  for (const char* bad : {"", "ab", "Abc", "-abc", "abc-", "a..b", "127.0.0.1", "a/b", "a b"}) {
    EXPECT_FALSE(check_bucket_name(bad)) << bad;
  }
  EXPECT_FALSE(check_bucket_name(std::string(64, 'a')));
  EXPECT_TRUE(check_bucket_name(std::string(63, 'a') + "." + std::string(63, 'b')));
}

TEST(Names, ObjectsAreUtf8WithoutControls) {
  for (const char* good : {"a", "a/../b", "/etc/passwd", "\xc3\xa4", "a b", "..."}) {
    EXPECT_TRUE(check_object_name(good)) << good;
  }
  const std::string with_nul("a\0b", 3);
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), with_nul, std::string("a\nb"),
        std::string("a\x7f"), std::string("\xff"), std::string("\xed\xa0\x80"),
        std::string("\xc0\x80"), std::string(1025, 'a')}) {
    EXPECT_FALSE(check_object_name(bad)) << bad;
  }
  EXPECT_TRUE(check_object_name(std::string(1024, 'a')));
}

TEST(Checksums, AreThoseOfTheStandards) {
  EXPECT_EQ(crc32c(0, "123456789"), 0xe3069283u);  // RFC 3720's check value
  Hasher hasher;
  hasher.add("1234");
  hasher.add("56789");
  const Checksums sums = hasher.finish();
  EXPECT_EQ(crc32c_text(sums.crc32c), "4waSgw==");
  EXPECT_EQ(base64(sums.md5), "JfnnlDI7RTiF9RgfG2JNCw==");
  EXPECT_EQ(parse_crc32c("4waSgw=="), std::optional(0xe3069283u));
  EXPECT_EQ(parse_crc32c("4waS"), std::nullopt);
}

TEST(Checksums, OfJoinedPartsComeFromTheParts) {
  const std::string one(100'001, 'x');
  const std::string two = "the rest";
  EXPECT_EQ(join_crc32c(crc32c(0, one), crc32c(0, two), static_cast<int64_t>(two.size())),
            crc32c(0, one + two));
  EXPECT_EQ(join_crc32c(crc32c(0, one), 0, 0), crc32c(0, one));
  EXPECT_EQ(join_crc32c(0, crc32c(0, two), static_cast<int64_t>(two.size())), crc32c(0, two));
}

TEST(Preconditions, SayWhatMayBe) {
  struct Case {
    Preconditions conditions;
    int64_t generation, metageneration;
    Verdict verdict;
  };
  const Case cases[] = {
      {{}, 0, 0, Verdict::kHolds},
      {{.generation = 0}, 0, 0, Verdict::kHolds},
      {{.generation = 0}, 5, 1, Verdict::kFails},
      {{.generation = 5}, 5, 1, Verdict::kHolds},
      {{.generation = 5}, 0, 0, Verdict::kFails},
      {{.not_generation = 5}, 5, 1, Verdict::kNotModified},
      {{.not_generation = 0}, 0, 0, Verdict::kNotModified},
      {{.not_generation = 4}, 5, 1, Verdict::kHolds},
      {{.metageneration = 1}, 5, 1, Verdict::kHolds},
      {{.metageneration = 2}, 5, 1, Verdict::kFails},
      {{.metageneration = 1}, 0, 0, Verdict::kFails},
      {{.not_metageneration = 1}, 5, 1, Verdict::kNotModified},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(judge(c.conditions, c.generation, c.metageneration), c.verdict) << &c - cases;
    EXPECT_EQ(check(c.conditions, c.generation, c.metageneration).has_value(),
              c.verdict == Verdict::kHolds);
  }
}

Json json(const char* text) { return *Json::parse(text); }

TEST(Settings, PatchKeepsWhatIsNotNamedAndNullRemoves) {
  const Json old = json(R"({"contentType":"a/b","metadata":{"x":"1","y":"2"}})");
  const auto merged = merge_object_settings(
      old,
      json(R"({"metadata":{"x":null,"z":"3"},"cacheControl":"no","etag":"ignored","size":"9"})"),
      Merge::kPatch);
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->dump(),
            R"({"contentType":"a/b","cacheControl":"no","metadata":{"y":"2","z":"3"}})");
  const auto replaced =
      merge_object_settings(old, json(R"({"cacheControl":"no"})"), Merge::kReplace);
  EXPECT_EQ(replaced->dump(), R"({"cacheControl":"no"})");
}

TEST(Settings, FaultsAreNamed) {
  for (const char* bad :
       {R"({"contentType":"a\nb"})", R"({"contentType":5})", R"({"metadata":{"a":1}})",
        R"({"metadata":"x"})", R"({"customTime":"yesterday"})", R"({"storageClass":"GLACIER"})",
        R"({"temporaryHold":"yes"})", "[]"}) {
    const auto merged = merge_object_settings(Json::object(), json(bad), Merge::kPatch);
    ASSERT_FALSE(merged) << bad;
    EXPECT_EQ(merged.error().code(), Code::kInvalidArgument);
  }
  for (const char* bad :
       {R"({"softDeletePolicy":{"retentionDurationSeconds":"60"}})", R"({"versioning":true})",
        R"({"retentionPolicy":{}})", R"({"retentionPolicy":{"retentionPeriod":"0"}})",
        R"({"retentionPolicy":{"retentionPeriod":"3155760001"}})",
        R"({"retentionPolicy":{"retentionPeriod":"1 day"}})", R"({"cors":{}})",
        R"({"lifecycle":{"rule":[{"action":{"type":"Explode"}}]}})",
        R"({"lifecycle":{"rule":[{"action":{"type":"Delete"},"condition":{"moon":1}}]}})"}) {
    EXPECT_FALSE(merge_bucket_settings(Json::object(), json(bad), Merge::kPatch)) << bad;
  }
}

TEST(Glob, FollowsTheDocumentedPatterns) {
  struct Case {
    const char *pattern, *name;
    bool matches;
  };
  const Case cases[] = {
      {"*", "abc", true},
      {"*", "a/b", false},
      {"**", "a/b", true},
      {"a*c", "abc", true},
      {"a*c", "a/c", false},
      {"a**c", "a/x/c", true},
      {"a?c", "abc", true},
      {"a?c", "a/c", false},
      {"[a-c]x", "bx", true},
      {"[!a-c]x", "bx", false},
      {"[!a-c]x", "dx", true},
      {"{one,two}.txt", "two.txt", true},
      {"{one,two}.txt", "x", false},
      {"**/*.csv", "a/b/c.csv", true},
      {"**/*.csv", "c.csv", false},
      {"foo*bar*", "fooxbary", true},
      {"", "", true},
      {"", "a", false},
      {"a{b{c,d},e}", "abd", true},
  };
  for (const Case& c : cases) {
    const auto glob = Glob::compile(c.pattern);
    ASSERT_TRUE(glob) << c.pattern;
    EXPECT_EQ(glob->matches(c.name), c.matches) << c.pattern << " " << c.name;
  }
  for (const std::string& bad : {std::string("[a"), std::string("{a"), std::string(1025, 'a'),
                                 std::string("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")}) {
    EXPECT_FALSE(Glob::compile(bad)) << bad;
  }
  EXPECT_EQ(Glob::compile("dir/a*b")->literal_prefix(), "dir/a");
}

TEST(Glob, ClassesAreThoseOfTheExpandedPattern) {
  const std::string xs(21, 'x');
  for (const char* bad : {"[{a],b}", "{[a,]}", "[{a,b}][!{]}", "{x,[!}]"}) {
    const auto glob = Glob::compile(xs + bad);
    if (glob) (void)glob->matches(xs + "a");  // nothing beyond the pattern is touched
    ASSERT_FALSE(glob) << bad;
    EXPECT_NE(glob.error().message().find("a '[' is not closed"), std::string::npos) << bad;
  }
  const auto glob = Glob::compile(xs + "[{a,b}]");
  ASSERT_TRUE(glob);
  EXPECT_TRUE(glob->matches(xs + "a"));
  EXPECT_TRUE(glob->matches(xs + "b"));
  EXPECT_FALSE(glob->matches(xs + "{"));
  EXPECT_TRUE(Glob::compile("{[,x}a]")->matches("a"));
}

TEST(ListQuery, TokensComeBackAndOthersAreRefused) {
  const auto place = parse_place(place_token({.name = "a:b/c", .generation = 7}));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->name, "a:b/c");
  EXPECT_EQ(place->generation, 7);
  for (const char* bad : {"", "!!", "YWJj", "eDph"}) EXPECT_FALSE(parse_place(bad)) << bad;
  EXPECT_EQ(after_prefix("a/"), "a0");
  EXPECT_EQ(after_prefix(""), "");
}

class LifecycleTest : public testing::Test {
 protected:
  Lifecycle::Action judge(const char* condition, int64_t newer = 0) {
    const Json rules = json(
        (std::string(R"({"rule":[{"action":{"type":"Delete"},"condition":)") + condition + "}]}")
            .c_str());
    EXPECT_TRUE(Lifecycle::check(rules)) << condition;
    return Lifecycle::read(rules).judge(object, newer, now);
  }
  bool deletes(const char* condition, int64_t newer = 0) {
    return judge(condition, newer).kind == Lifecycle::Action::kDelete;
  }

  WallTime now = *parse_rfc3339("2026-11-25T00:00:00Z");
  Object object{.name = "logs/a.txt", .created = now - std::chrono::hours(24 * 10)};
};

TEST_F(LifecycleTest, AgeCountsFromCreation) {
  EXPECT_TRUE(deletes(R"({"age":10})"));
  EXPECT_FALSE(deletes(R"({"age":11})"));
  EXPECT_TRUE(deletes(R"({"createdBefore":"2026-11-16"})"));
  EXPECT_FALSE(deletes(R"({"createdBefore":"2026-11-15"})"));
}

TEST_F(LifecycleTest, AllConditionsOfARuleMustHold) {
  EXPECT_TRUE(deletes(R"({"age":1,"matchesPrefix":["x","logs/"],"matchesSuffix":[".txt"]})"));
  EXPECT_FALSE(deletes(R"({"age":1,"matchesPrefix":["x"]})"));
  EXPECT_FALSE(deletes(R"({"age":1,"isLive":false})"));
  EXPECT_FALSE(deletes(R"({"age":1,"matchesStorageClass":["COLDLINE"]})"));
}

TEST_F(LifecycleTest, NewerVersionsAndNoncurrentTimeAreOfOldVersions) {
  object.state = Object::State::kNoncurrent;
  object.deleted = now - std::chrono::hours(24 * 3);
  EXPECT_TRUE(deletes(R"({"numNewerVersions":2})", 2));
  EXPECT_FALSE(deletes(R"({"numNewerVersions":2})", 1));
  EXPECT_TRUE(deletes(R"({"daysSinceNoncurrentTime":3})"));
  EXPECT_FALSE(deletes(R"({"daysSinceNoncurrentTime":4})"));
}

TEST_F(LifecycleTest, DeletingWinsOverChangingTheClass) {
  const Json rules = json(
      R"({"rule":[{"action":{"type":"SetStorageClass","storageClass":"COLDLINE"},
                   "condition":{"age":1}},
                  {"action":{"type":"Delete"},"condition":{"age":5}}]})");
  EXPECT_EQ(Lifecycle::read(rules).judge(object, 0, now).kind, Lifecycle::Action::kDelete);
  object.created = now - std::chrono::hours(30);
  EXPECT_EQ(Lifecycle::read(rules).judge(object, 0, now).storage_class, "COLDLINE");
}

TEST_F(LifecycleTest, TheColdestClassWinsAndNoneGetsWarmer) {
  const Json rules = json(
      R"({"rule":[{"action":{"type":"SetStorageClass","storageClass":"NEARLINE"},
                   "condition":{"age":1}},
                  {"action":{"type":"SetStorageClass","storageClass":"ARCHIVE"},
                   "condition":{"age":5}},
                  {"action":{"type":"SetStorageClass","storageClass":"COLDLINE"},
                   "condition":{"age":2}},
                  {"action":{"type":"SetStorageClass","storageClass":"STANDARD"},
                   "condition":{"age":3}}]})");
  const Lifecycle lifecycle = Lifecycle::read(rules);
  struct Case {
    int age;
    const char *present, *next;
  };
  const Case cases[] = {
      {0, "STANDARD", ""},         {1, "STANDARD", "NEARLINE"}, {1, "REGIONAL", "NEARLINE"},
      {1, "NEARLINE", ""},         {2, "NEARLINE", "COLDLINE"}, {3, "STANDARD", "COLDLINE"},
      {3, "REGIONAL", "COLDLINE"}, {3, "COLDLINE", ""},         {5, "COLDLINE", "ARCHIVE"},
      {5, "STANDARD", "ARCHIVE"},  {5, "ARCHIVE", ""}};
  for (const Case& c : cases) {
    object.created = now - std::chrono::hours(24 * c.age);
    object.settings.set("storageClass", c.present);
    const auto action = lifecycle.judge(object, 0, now);
    EXPECT_EQ(action.storage_class, c.next) << c.present << " after " << c.age << " days";
    EXPECT_EQ(action.kind, *c.next == 0 ? Lifecycle::Action::kNone : Lifecycle::Action::kSetClass);
  }
}

TEST_F(LifecycleTest, AClassThatIsNotKnownIsRefused) {
  const auto refused = Lifecycle::check(json(
      R"({"rule":[{"action":{"type":"SetStorageClass","storageClass":"GLACIER"},
                   "condition":{"age":1}}]})"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("action.storageClass"), std::string::npos);
  EXPECT_NE(refused.error().message().find("GLACIER"), std::string::npos);
}

}  // namespace
}  // namespace thaw::objects
