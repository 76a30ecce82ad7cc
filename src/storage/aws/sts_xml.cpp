#include "walwrap/storage/aws/sts_xml.hpp"

#include <pugixml.hpp>

#include "walwrap/storage/aws/xml_nodes.hpp"

namespace walwrap::storage {

Result<StsCredentials> parse_web_identity(std::string_view xml) {
  pugi::xml_document document;
  const auto root = TRY(load_xml(document, xml, "AssumeRoleWithWebIdentityResponse"));
  const auto node = child(child(root, "AssumeRoleWithWebIdentityResult"), "Credentials");
  StsCredentials credentials;
  credentials.access_key_id = text_of(node, "AccessKeyId");
  credentials.secret_access_key = Secret<std::string>(text_of(node, "SecretAccessKey"));
  credentials.session_token = Secret<std::string>(text_of(node, "SessionToken"));
  const auto expires = parse_rfc3339(text_of(node, "Expiration"));
  const bool is_whole = !credentials.access_key_id.empty() &&
                        !credentials.secret_access_key.reveal().empty() &&
                        !credentials.session_token.reveal().empty() && expires;
  if (!is_whole) return fail(Code::Corrupt, "the answer of STS has no complete credentials");
  credentials.expires = *expires;
  return credentials;
}

StsError parse_sts_error(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  const auto error = error_node(document.document_element());
  return {.code = text_of(error, "Code"), .message = text_of(error, "Message")};
}

}  // namespace walwrap::storage
