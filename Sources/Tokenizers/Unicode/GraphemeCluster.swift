import CICU

/// Where grapheme clusters end, as far as two neighbouring code points tell.
///
/// Longer context (emoji joined by ZWJ, pairs of regional indicators) only makes clusters longer than the five bytes
/// up to which anybody here asks.
enum GraphemeCluster {
    static func joins(_ first: UInt32, _ second: UInt32) -> Bool {
        if second < 0x300, first < 0x300 { return first == 0x0D && second == 0x0A }
        return cicu_joins_grapheme(first, second)
    }
}
