extension Int {
    /// This many of something, as a message has it: "1 text", "2 texts".
    ///
    /// - Parameter plural: where it is not the singular with an s.
    package func counted(_ singular: String, _ plural: String? = nil) -> String {
        "\(self) \(self == 1 ? singular : plural ?? singular + "s")"
    }
}
