/// The second stage of the pipeline: cuts a normalized text into words.
indirect enum PreTokenizer: Sendable {
    case bert
    case sequence([PreTokenizer])

    func apply(_ splits: inout [Split]) {
        switch self {
        case .bert:
            splits.splitEach {
                DelimiterBehavior.removed.cut(
                    $0.ranges(delimitedBy: { FrozenProperties($0).contains(.whitespace) }))
            }
            splits.splitEach {
                DelimiterBehavior.isolated.cut(
                    $0.ranges(delimitedBy: { FrozenProperties($0).contains(.punctuation) }))
            }
        case .sequence(let members): for member in members { member.apply(&splits) }
        }
    }
}
