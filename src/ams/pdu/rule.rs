//! Every rule of section 5 that octets can break.

use crate::wire::Rule;

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $clause:literal;)*) => {
        /// A rule on the format of PDUs that octets can break (4.1.3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum PduRule { $($(#[$doc])* $rule,)* }

        impl PduRule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];
        }

        impl Rule for PduRule {
            fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)* }
            }

            fn clause(self) -> &'static str {
                match self { $(Self::$rule => concat!("735.1-B-1 ", $clause),)* }
            }
        }
    };
}

rules! {
    /// An MPDU ends within its fixed header.
    MpduTruncated = "mpdu_truncated", "5.1.1.1";
    /// The version number of an MPDU is not 0.
    MpduVersion = "mpdu_version", "5.1.1.2";
    /// The type of an MPDU is a reserved one.
    MpduTypeReserved = "mpdu_type_reserved", "5.1.2";
    /// The supplementary data are longer than 4,095 octets.
    SupplementTooLong = "supplement_too_long", "5.1.1.1";
    /// The sender of an MPDU that only registrars or configuration servers send has a role.
    SenderIsModule = "sender_is_module", "5.1.1.2";
    /// The sender of an MPDU that only modules send has no role.
    SenderIsNotModule = "sender_is_not_module", "5.1.1.2";
    /// The time tag is cut short.
    TimeTagTruncated = "time_tag_truncated", "5.1.1.2";
    /// The time tag is not an unsegmented time code.
    TimeTagNotCuc = "time_tag_not_cuc", "5.1.1.2";
    /// The P-field of the time tag announces a third octet.
    TimeTagPField = "time_tag_p_field", "5.1.1.2";
    /// The digital signature is cut short.
    SignatureTruncated = "signature_truncated", "5.1.1.1";
    /// The supplementary data are cut short.
    SupplementTruncated = "supplement_truncated", "5.1.1.1";
    /// The supplementary data of an MPDU are longer than its type's structure.
    SupplementTrailing = "supplement_trailing", "5.1.6";
    /// The reference of an MPDU is not 0 where table 5-3 has 0.
    ReferenceNotZero = "reference_not_zero", "5.1.6";
    /// The reference of a heartbeat is not a module number.
    HeartbeatSource = "heartbeat_source", "5.1.3.3";
    /// The reference of an MPDU about a module names module number 0.
    ReferenceNoModule = "reference_no_module", "5.1.3.4";
    /// The reference of an MPDU about a cell names a module or a role.
    ReferenceNotCell = "reference_not_cell", "5.1.6";
    /// Octets follow the end of an MPDU.
    MpduTrailing = "mpdu_trailing", "5.1.1.1";
    /// The checksum of an MPDU is cut short.
    MpduChecksumTruncated = "mpdu_checksum_truncated", "4.1.7";
    /// The checksum of an MPDU is wrong.
    MpduChecksum = "mpdu_checksum", "4.1.8";
    /// A string has no NUL.
    StringUnterminated = "string_unterminated", "5.1.5.1";
    /// A string has an octet that is not a printable ASCII character.
    StringNotText = "string_not_text", "5.1.5.1";
    /// A string has no characters.
    StringEmpty = "string_empty", "5.1.5.1";
    /// A transport service endpoint name has more than 63 characters.
    EndpointNameTooLong = "endpoint_name_too_long", "5.1.5.6";
    /// A transport service name has more than 15 characters.
    ServiceNameTooLong = "service_name_too_long", "5.1.5.6";
    /// A delivery point name lacks the equals sign, or text on one side of it.
    DeliveryPointName = "delivery_point_name", "5.1.5.6";
    /// A delivery vector is cut short.
    DeliveryVectorTruncated = "delivery_vector_truncated", "5.1.5.7";
    /// A delivery vector has another number of names than it says.
    DeliveryVectorCount = "delivery_vector_count", "5.1.5.7";
    /// A cell descriptor is cut short.
    CellDescriptorTruncated = "cell_descriptor_truncated", "5.1.5.3";
    /// A module list is cut short.
    ModuleListTruncated = "module_list_truncated", "5.1.5.4";
    /// An assigned module number is missing.
    AssignedModuleTruncated = "assigned_module_truncated", "5.1.5.5";
    /// The assigned module number is 0, which is no module.
    AssignedModuleZero = "assigned_module_zero", "3.1.2.7";
    /// A subscription or invitation assertion structure is cut short.
    AssertionTruncated = "assertion_truncated", "5.1.5.10";
    /// A subscription or invitation cancellation structure is cut short.
    CancellationTruncated = "cancellation_truncated", "5.1.5.17";
    /// A subscription list is cut short.
    SubscriptionListTruncated = "subscription_list_truncated", "5.1.5.12";
    /// An invitation list is cut short.
    InvitationListTruncated = "invitation_list_truncated", "5.1.5.13";
    /// A module status structure is cut short.
    ModuleStatusTruncated = "module_status_truncated", "5.1.5.15";
    /// A module status structure is of module number 0.
    ModuleStatusNoModule = "module_status_no_module", "5.1.5.15";
    /// A module status list is cut short.
    ModuleStatusListTruncated = "module_status_list_truncated", "5.1.5.16";
    /// A refusal reason is missing.
    RefusalReasonTruncated = "refusal_reason_truncated", "5.1.5.20";
    /// An AAMS message is cut short.
    AamsTruncated = "aams_truncated", "5.2.1.1";
    /// The version number of an AAMS message is not 0.
    AamsVersion = "aams_version", "5.2.1.2";
    /// The type of an AAMS message is 3, which is reserved.
    AamsTypeReserved = "aams_type_reserved", "5.2.1.2";
    /// The priority of an AAMS message is 0.
    AamsPriorityZero = "aams_priority_zero", "5.2.1.2";
    /// The application data of an AAMS message are longer than 65,000 octets.
    AamsDataTooLong = "aams_data_too_long", "5.2.1.2";
    /// The context number of a query is 0.
    QueryContextZero = "query_context_zero", "5.2.2.2";
    /// The checksum of an AAMS message is cut short.
    AamsChecksumTruncated = "aams_checksum_truncated", "4.1.7";
    /// The checksum of an AAMS message is wrong.
    AamsChecksum = "aams_checksum", "4.1.8";
    /// Octets follow the end of an AAMS message.
    AamsTrailing = "aams_trailing", "5.2.1.1";
    /// An envelope is cut short.
    EnvelopeTruncated = "envelope_truncated", "5.3.3.2";
    /// The version number of an envelope is not 0.
    EnvelopeVersion = "envelope_version", "5.3.3.3";
    /// The control code of an envelope is a reserved one.
    ControlCodeReserved = "control_code_reserved", "5.3.3.3";
    /// A petition assertion or cancellation has content.
    PetitionContent = "petition_content", "5.3.3.2";
    /// A header field of an envelope is not 0 where table 5-6 has 0.
    EnvelopeFieldNotZero = "envelope_field_not_zero", "5.3.3.4";
    /// An envelope that is to forward a message encloses none.
    EnvelopeEmpty = "envelope_empty", "4.4.10";
    /// Octets follow the end of an envelope.
    EnvelopeTrailing = "envelope_trailing", "5.3.3.2";
}
