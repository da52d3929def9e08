#include "storage_api/xml_error.h"

#include <string_view>

#include "base/utf8.h"

namespace thaw::storage_api {
namespace {

struct Row {
  int status;
  std::string_view code;
  std::string_view message;
};

Row row_of(const Error& error) {
  switch (error.code()) {
    case Code::kNotFound:
      if (error.message().starts_with("The specified bucket")) {
        return {404, "NoSuchBucket", "The specified bucket does not exist."};
      }
      if (error.message().starts_with("No such upload")) {
        return {404, "NoSuchUpload", "The requested upload was not found."};
      }
      return {404, "NoSuchKey", "The specified key does not exist."};
    case Code::kInvalidArgument:
      if (error.message().starts_with(kTooSmall)) {
        return {400, "EntityTooSmall", "Your proposed upload is smaller than allowed."};
      }
      if (error.message().starts_with(kTooLarge)) {
        return {400, "EntityTooLarge", "Your proposed upload is larger than allowed."};
      }
      return {400, "InvalidArgument", "Invalid argument."};
    case Code::kAlreadyExists:
    case Code::kAborted:
      return {409, "OperationAborted", "A conflicting operation is under way."};
    case Code::kFailedPrecondition:
      return {412, "PreconditionFailed",
              "At least one of the pre-conditions you specified did not hold."};
    case Code::kPermissionDenied:
      return {403, "AccessDenied", "Access denied."};
    case Code::kUnauthenticated:
      return {401, "AuthenticationRequired", "Authentication required."};
    case Code::kOutOfRange:
      return {416, "InvalidRange", "The requested range cannot be satisfied."};
    case Code::kResourceExhausted:
      return {507, "InsufficientStorage", "There is no room for it."};
    case Code::kUnavailable:
      return {503, "ServiceUnavailable", "Please try again later."};
    case Code::kUnimplemented:
      return {501, "NotImplemented", "The requested functionality is not implemented."};
    case Code::kDeadlineExceeded:
      return {408, "RequestTimeout", "The request did not end in time."};
    default:
      return {500, "InternalError", "An internal error occurred."};
  }
}

void add_element(std::string& xml, std::string_view name, std::string_view text) {
  xml.append("<").append(name).append(">");
  const bool is_text = is_utf8(text);
  for (const char c : text) {
    if (c == '&') {
      xml += "&amp;";
    } else if (c == '<') {
      xml += "&lt;";
    } else if (c == '>') {
      xml += "&gt;";
    } else {
      const auto byte = static_cast<unsigned char>(c);
      const bool is_control = (byte < 0x20 && c != '\n') || byte == 0x7f;
      xml += is_control ? ' ' : byte >= 0x80 && !is_text ? '?' : c;
    }
  }
  xml.append("</").append(name).append(">");
}

}  // namespace

XmlError xml_error_of(const Error& error) {
  const Row row = row_of(error);
  return {
      row.status, std::string(row.code), std::string(row.message), {{"Details", error.message()}}};
}

http::Response xml_reply(const XmlError& error) {
  std::string xml = "<?xml version='1.0' encoding='UTF-8'?><Error>";
  add_element(xml, "Code", error.code);
  add_element(xml, "Message", error.message);
  for (const auto& [name, text] : error.elements) add_element(xml, name, text);
  xml += "</Error>";
  http::Response reply{
      error.status, {{"content-type", "application/xml; charset=UTF-8"}}, std::move(xml)};
  reply.headers.add("cache-control", "private, max-age=0");
  return reply;
}

}  // namespace thaw::storage_api
