import CICU

/// A stretch of a text in one script.
public struct ScriptRun: Equatable, Sendable {
    /// `Script.common` where nothing in the text decides.
    public internal(set) var script: Script
    /// In Unicode scalars of the text.
    public internal(set) var range: Range<Int>
    /// How many of its code points have a script of their own and do not just follow their neighbours.
    public internal(set) var decisiveCount: Int
}

/// How much of a text is written in a script.
public struct ScriptShare: Equatable, Sendable {
    public let script: Script
    /// Of the code points that have a script of their own; the shares of a text sum to one.
    public let share: Double
}

extension Script {
    /// The runs of a text, which cover it without gaps.
    ///
    /// Common and inherited code points take the script of what stands before them, or after them at the start of a
    /// text; those that several scripts use (`Script_Extensions`) stay in a run as long as one of these can be its
    /// script; a closing bracket takes the script of its opening one. Time is linear in the text.
    ///
    /// Source: Unicode Standard Annex #24, "Unicode Script Property", §5.1 and §5.2.
    public static func runs(of text: String) -> [ScriptRun] {
        var finder = ScriptRunFinder()
        for scalar in text.unicodeScalars { finder.add(scalar.value) }
        return finder.finish()
    }

    /// The scripts of a text, the most frequent first; none for a text without letters.
    public static func shares(of text: String) -> [ScriptShare] {
        var counts: [Script: Int] = [:]
        for run in runs(of: text) where run.decisiveCount > 0 { counts[run.script, default: 0] += run.decisiveCount }
        let total = Double(counts.values.reduce(0, +))
        return counts.sorted { ($1.value, $0.key.number) < ($0.value, $1.key.number) }.map {
            ScriptShare(script: $0.key, share: Double($0.value) / total)
        }
    }
}

/// Grows runs code point by code point.
private struct ScriptRunFinder {
    private var runs: [ScriptRun] = []
    private var start = 0
    private var position = 0
    /// The scripts that the current run can still be in; none where all are possible.
    private var candidates: [Int32] = []
    /// The Script of the run's first code point that has one: it decides where several scripts are left.
    private var firstScript = Script.common.number
    private var decisiveCount = 0
    /// Brackets that wait to be closed, each with the number of the run it stands in.
    private var brackets: [(closing: UInt32, run: Int)] = []
    private static let bracketLimit = 64
    private var extensions = [Int32](repeating: 0, count: Int(CICU_MAX_SCRIPT_EXTENSIONS))

    mutating func add(_ scalar: UInt32) {
        let script = cicu_script_number(scalar)
        if script > Script.inherited.number, candidates.count == 1, candidates[0] == script {
            decisiveCount += 1
        } else if let bracketScript = scriptOfOpeningBracket(scalar) {
            take(bracketScript < 0 ? [] : [bracketScript])
        } else {
            decide(scalar, script)
        }
        let closing = script == Script.common.number ? cicu_closing_bracket(scalar) : 0
        if closing != 0 {
            if brackets.count == Self.bracketLimit { brackets.removeFirst() }
            brackets.append((closing, runs.count))
        }
        position += 1
    }

    private mutating func decide(_ scalar: UInt32, _ script: Int32) {
        let count = Int(
            unsafe extensions.withUnsafeMutableBufferPointer { buffer in
                unsafe cicu_script_extensions(scalar, buffer.baseAddress)
            })
        let own = extensions[..<count].filter { $0 > Script.inherited.number }
        if own.isEmpty { return }
        // A mark stays with what it stands on.
        let isMark = script == Script.inherited.number && position > start
        if isMark, !candidates.isEmpty, !candidates.contains(where: own.contains) { return }
        take(own)
        guard script > Script.inherited.number else { return }
        if decisiveCount == 0 { firstScript = script }
        decisiveCount += 1
    }

    /// Narrows the candidates of the current run, or ends it where none would be left.
    private mutating func take(_ scripts: [Int32]) {
        if scripts.isEmpty { return }
        if candidates.isEmpty {
            candidates = scripts
            return
        }
        let common = candidates.filter(scripts.contains)
        if common.isEmpty { endRun() }
        candidates = common.isEmpty ? scripts : common
    }

    /// The script of the bracket that a closing one belongs to, -1 where that is not known; `nil` for all else.
    private mutating func scriptOfOpeningBracket(_ scalar: UInt32) -> Int32? {
        guard !brackets.isEmpty, cicu_is_closing_bracket(scalar),
            let place = brackets.lastIndex(where: { $0.closing == scalar })
        else { return nil }
        let run = brackets[place].run
        brackets.removeSubrange(place...)
        return run < runs.count && runs[run].script != .common ? runs[run].script.number : -1
    }

    private mutating func endRun() {
        let script = candidates.count == 1 ? candidates[0] : firstScript
        runs.append(
            ScriptRun(script: Script(number: script), range: start..<position, decisiveCount: decisiveCount))
        start = position
        candidates = []
        firstScript = Script.common.number
        decisiveCount = 0
    }

    mutating func finish() -> [ScriptRun] {
        if start < position { endRun() }
        return runs
    }
}
