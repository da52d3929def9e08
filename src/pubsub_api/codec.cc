#include "pubsub_api/codec.h"

#include <fmt/format.h>

#include "rpc/wire.h"

namespace thaw::pubsub_api {

using rpc::WireReader;
using rpc::WireWriter;

namespace {

using messaging::Message;
using messaging::Received;
using rpc::WireReader;
using rpc::WireWriter;

Error malformed(std::string_view what) {
  return {Code::kInvalidArgument, fmt::format("{}: is no well-formed protobuf message", what)};
}

/// One entry of a map<string, string>.
bool read_entry(std::string_view bytes, std::pair<std::string, std::string>& entry) {
  WireReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) entry.first = reader.text();
    if (reader.field() == 2) entry.second = reader.text();
  }
  return reader.is_whole();
}

/// The last of equal keys counts.
void set(messaging::Attributes& attributes, std::pair<std::string, std::string> entry) {
  for (auto& [key, value] : attributes) {
    if (key != entry.first) continue;
    value = std::move(entry.second);
    return;
  }
  attributes.push_back(std::move(entry));
}

bool read_message(std::string_view bytes, Message& message) {
  WireReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        message.data = reader.bytes();
        break;
      case 2: {
        std::pair<std::string, std::string> entry;
        if (!read_entry(reader.bytes(), entry)) return false;
        // More than are allowed are refused later; they need not be compared with each other.
        if (message.attributes.size() > Message::kMostAttributes) break;
        set(message.attributes, std::move(entry));
        break;
      }
      case 5:
        message.ordering_key = reader.text();
        break;
      default:
        break;
    }
  }
  return reader.is_whole();
}

void write_message(WireWriter& to, const messaging::Stored& stored) {
  to.bytes(1, stored.message.data);
  for (const auto& [key, value] : stored.message.attributes) {
    const WireWriter::Mark entry = to.begin(2);
    to.bytes(1, key, WireWriter::Empty::kToo);
    to.bytes(2, value, WireWriter::Empty::kToo);
    to.end(entry);
  }
  to.bytes(3, fmt::format_int(stored.id).c_str());
  const int64_t nanos = stored.published.time_since_epoch().count();
  const WireWriter::Mark time = to.begin(4);
  to.number(1, nanos / 1'000'000'000);
  to.number(2, nanos % 1'000'000'000);
  to.end(time);
  to.bytes(5, stored.message.ordering_key);
}

void write_received(WireWriter& to, const std::vector<Received>& received) {
  for (const Received& each : received) {
    const WireWriter::Mark item = to.begin(1);
    to.bytes(1, each.ack_id);
    const WireWriter::Mark message = to.begin(2);
    write_message(to, each.stored);
    to.end(message);
    to.number(3, each.attempt);
    to.end(item);
  }
}

size_t size_of(const std::vector<Received>& received) {
  size_t size = 0;
  for (const Received& each : received) size += each.stored.message.size_bytes() + 100;
  return size;
}

}  // namespace

Result<PublishRequest> read_publish(std::string_view bytes) {
  PublishRequest request;
  WireReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) request.topic = reader.text();
    if (reader.field() != 2) continue;
    // One more than are allowed is enough to refuse them all.
    if (request.messages.size() > Message::kMostPerPublish) continue;
    if (!read_message(reader.bytes(), request.messages.emplace_back())) {
      return malformed("PublishRequest.messages");
    }
  }
  if (!reader.is_whole()) return malformed("PublishRequest");
  return request;
}

std::string write_published(const std::vector<messaging::MessageId>& ids) {
  WireWriter writer;
  for (const messaging::MessageId id : ids) writer.bytes(1, fmt::format_int(id).c_str());
  return std::move(writer).take();
}

Result<Service::PullRequest> read_pull(std::string_view bytes) {
  Service::PullRequest request;
  WireReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) request.subscription = reader.text();
    if (reader.field() == 2 && reader.number() != 0)
      request.wait = Service::PullRequest::Wait::kNot;
    if (reader.field() == 3) request.most = reader.small_number();
  }
  if (!reader.is_whole()) return malformed("PullRequest");
  return request;
}

std::string write_pulled(const std::vector<Received>& received) {
  WireWriter writer;
  writer.reserve(size_of(received));
  write_received(writer, received);
  return std::move(writer).take();
}

Result<AckRequest> read_acknowledge(std::string_view bytes) {
  AckRequest request;
  WireReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) request.subscription = reader.text();
    if (reader.field() == 2) request.ack_ids.emplace_back(reader.text());
  }
  if (!reader.is_whole()) return malformed("AcknowledgeRequest");
  return request;
}

Result<AckRequest> read_modify_deadline(std::string_view bytes) {
  AckRequest request;
  WireReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) request.subscription = reader.text();
    if (reader.field() == 3) request.seconds = reader.small_number();
    if (reader.field() == 4) request.ack_ids.emplace_back(reader.text());
  }
  if (!reader.is_whole()) return malformed("ModifyAckDeadlineRequest");
  return request;
}

Result<StreamRequest> read_stream_request(std::string_view bytes) {
  StreamRequest request;
  std::vector<int64_t> seconds;
  WireReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case 1:
        request.subscription = reader.text();
        break;
      case 2:
        request.ack_ids.emplace_back(reader.text());
        break;
      case 3:
        if (!reader.small_numbers(seconds)) return malformed("modify_deadline_seconds");
        break;
      case 4:
        request.deadlines.emplace_back(reader.text(), 0);
        break;
      case 5:
        request.stream_deadline_s = reader.small_number();
        break;
      case 6:
        request.client_id = reader.text();
        break;
      case 7:
        request.most_messages = reader.number();
        break;
      case 8:
        request.most_bytes = reader.number();
        break;
      default:
        break;
    }
  }
  if (!reader.is_whole()) return malformed("StreamingPullRequest");
  if (seconds.size() != request.deadlines.size()) {
    return Error(Code::kInvalidArgument,
                 fmt::format("modify_deadline_seconds: {} deadlines for {} ack IDs", seconds.size(),
                             request.deadlines.size()));
  }
  for (size_t i = 0; i < seconds.size(); ++i) request.deadlines[i].second = seconds[i];
  return request;
}

std::string write_stream_response(const StreamResponse& response) {
  WireWriter writer;
  writer.reserve(size_of(response.received) + 16);
  write_received(writer, response.received);
  // AcknowledgeConfirmation and ModifyAckDeadlineConfirmation have the same fields here.
  for (const auto& [field, confirmation] :
       {std::pair(5, &response.acknowledged), std::pair(3, &response.modified)}) {
    if (confirmation->empty()) continue;
    const WireWriter::Mark mark = writer.begin(field);
    for (const std::string& id : confirmation->done) writer.bytes(1, id, WireWriter::Empty::kToo);
    for (const std::string& id : confirmation->invalid) {
      writer.bytes(2, id, WireWriter::Empty::kToo);
    }
    writer.end(mark);
  }
  const WireWriter::Mark properties = writer.begin(4);
  writer.number(1, response.acks == StreamResponse::Acks::kExactlyOnce ? 1 : 0);
  writer.number(2, response.order == StreamResponse::Order::kByKey ? 1 : 0);
  writer.end(properties);
  return std::move(writer).take();
}

}  // namespace thaw::pubsub_api
