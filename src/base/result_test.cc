#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace thaw {
namespace {

TEST(Code, EachCodeHasItsGoogleNameAndStatus) {
  EXPECT_EQ(code_name(Code::kInvalidArgument), "INVALID_ARGUMENT");
  EXPECT_EQ(http_status(Code::kInvalidArgument), 400);
  EXPECT_EQ(code_name(Code::kUnauthenticated), "UNAUTHENTICATED");
  EXPECT_EQ(http_status(Code::kUnauthenticated), 401);
  EXPECT_EQ(http_status(Code::kResourceExhausted), 429);
  EXPECT_EQ(http_status(Code::kDeadlineExceeded), 504);
  EXPECT_EQ(http_status(Code::kCancelled), 499);
}

TEST(Code, TheTableIsInTheOrderOfTheEnum) {
  for (int i = 0; i <= static_cast<int>(Code::kUnauthenticated); ++i) {
    const auto code = static_cast<Code>(i);
    const Code back = code_from_http_status(http_status(code));
    EXPECT_EQ(http_status(back), http_status(code)) << code_name(code);
  }
}

TEST(Code, AStatusThatNoCodeNamesIsUnknown) {
  EXPECT_EQ(code_from_http_status(418), Code::kUnknown);
  EXPECT_EQ(code_from_http_status(0), Code::kUnknown);
  EXPECT_EQ(code_from_http_status(409), Code::kAborted);
  EXPECT_EQ(code_from_http_status(500), Code::kInternal);
}

TEST(Error, ContextGrowsOutermostFirst) {
  Error error = Error(Code::kNotFound, "no such file").with_context("read x.yaml");
  error = std::move(error).with_context("deploy demo");
  EXPECT_EQ(error.message(), "deploy demo: read x.yaml: no such file");
  EXPECT_EQ(error.code(), Code::kNotFound);
}

TEST(Error, ErrnoKeepsItsMeaning) {
  EXPECT_EQ(errno_error("open /x", ENOENT).code(), Code::kNotFound);
  EXPECT_EQ(errno_error("open /x", ENOENT).message(), "open /x: No such file or directory");
  EXPECT_EQ(errno_error("write", ENOSPC).code(), Code::kResourceExhausted);
  EXPECT_EQ(errno_error("connect", ECONNREFUSED).code(), Code::kUnavailable);
  EXPECT_EQ(errno_error("odd", EXDEV).code(), Code::kUnknown);
}

Result<std::unique_ptr<int>> boxed(int value) {
  if (value < 0) return Error(Code::kOutOfRange, "negative");
  return std::make_unique<int>(value);
}

Result<int> twice(int value) {
  ASSIGN_OR_RETURN(std::unique_ptr<int> box, boxed(value));
  return *box * 2;
}

Status checked(int value) {
  RETURN_IF_ERROR(twice(value));
  return {};
}

TEST(Result, TheMacrosPassValuesOnAndErrorsUp) {
  EXPECT_EQ(twice(21), 42);
  ASSERT_FALSE(twice(-1));
  EXPECT_EQ(twice(-1).error().message(), "negative");
  EXPECT_TRUE(checked(1));
  EXPECT_EQ(checked(-1).error().code(), Code::kOutOfRange);
}

}  // namespace
}  // namespace thaw
