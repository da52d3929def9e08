// Codec: the messages that carry data and acknowledgements, between protobuf's wire format and the
// bus's own types, without objects in between: the calls that come a thousand times a second.
//
// Field numbers are those of google/pubsub/v1/pubsub.proto; a test holds them to that file. Unknown
// fields are passed over, as protobuf demands. Reading never fails but with kInvalidArgument.
//
// **Thread**: any. **Owner**: values. **Limits**: the caller's; what is read is no larger than the
// bytes it was read from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "pubsub_api/service.h"

namespace thaw::pubsub_api {

struct PublishRequest {
  std::string topic;
  std::vector<messaging::Message> messages;  // not checked yet
};
Result<PublishRequest> read_publish(std::string_view bytes);
std::string write_published(const std::vector<messaging::MessageId>& ids);

Result<Service::PullRequest> read_pull(std::string_view bytes);
std::string write_pulled(const std::vector<messaging::Received>& received);

/// AcknowledgeRequest and ModifyAckDeadlineRequest.
struct AckRequest {
  std::string subscription;
  std::vector<std::string> ack_ids;
  int64_t seconds = 0;  // of ModifyAckDeadlineRequest
};
Result<AckRequest> read_acknowledge(std::string_view bytes);
Result<AckRequest> read_modify_deadline(std::string_view bytes);

struct StreamRequest {
  std::string subscription;
  std::vector<std::string> ack_ids;
  std::vector<std::pair<std::string, int64_t>> deadlines;  // of ack IDs, in seconds; 0: a nack
  int64_t stream_deadline_s = 0;
  std::string client_id;
  int64_t most_messages = 0;  // outstanding; 0 and below: any number
  int64_t most_bytes = 0;     // likewise
};
/// kInvalidArgument too where there is not one deadline an ack ID.
Result<StreamRequest> read_stream_request(std::string_view bytes);

struct StreamResponse {
  std::vector<messaging::Received> received;
  /// What became of acknowledgements or deadlines that came on the stream.
  struct Confirmation {
    std::vector<std::string> done, invalid;
    bool empty() const { return done.empty() && invalid.empty(); }
  };
  Confirmation acknowledged, modified;
  enum class Acks { kAtLeastOnce, kExactlyOnce } acks = Acks::kAtLeastOnce;
  enum class Order { kNone, kByKey } order = Order::kNone;
};
std::string write_stream_response(const StreamResponse& response);

}  // namespace thaw::pubsub_api
