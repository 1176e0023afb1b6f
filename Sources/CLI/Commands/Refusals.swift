import ArgumentParser

func require(
    _ isRight: Bool, _ option: String, _ value: some CustomStringConvertible, _ expected: String
) throws(ValidationError) {
    if !isRight { throw ValidationError("\(option) is \(value); expected \(expected).") }
}

func requireAtLeastZero(_ value: Double, _ option: String) throws(ValidationError) {
    try require(value >= 0 && value.isFinite, option, value, "a number of at least 0")
}

/// Refuses `-` where a file is written whose name would be that.
func requireFile(_ output: String, _ option: String) throws(ValidationError) {
    try require(output != "-", option, output, "the name of a file; standard output does not do")
}

/// The names of the options that are given.
func given(_ options: KeyValuePairs<String, Bool>) -> [String] { options.filter(\.value).map(\.key) }

func refuse(_ isAsked: Bool, _ message: String) throws(ValidationError) {
    if isAsked { throw ValidationError(message) }
}

/// - Parameter why: what is wrong with the option that is named.
func refuse(_ options: KeyValuePairs<String, Bool>, _ why: (_ option: String) -> String) throws(ValidationError) {
    try refuse(given(options), why)
}

func refuse(_ options: [String], _ why: (_ option: String) -> String) throws(ValidationError) {
    if let option = options.first { throw ValidationError(why(option)) }
}
