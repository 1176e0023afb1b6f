"""The texts of the golden files, written for this project."""

CORPUS = """the gardener grafts a young pear onto an old quince and waits for spring
a good graft heals within weeks and a bad one dries out before summer
she wrote a long review of the film and called it tender slow and honest
he found the same film unbearable and left before the second act
we train small heads on large frozen encoders because it is cheap and works
unhappiness unrelated reading readers reader reads reread readable unreadable
the waiter was friendly the soup was cold and nobody apologised for anything
zwölf größere Äpfel fallen über den Zaun und rollen die Straße hinab
l'été dernier nous avons mangé des crêpes près de la forêt
вечером старый садовник поливает молодые деревья
in 2024 about 37.5 percent of 1,200 readers answered yes
don't shan't won't it's they're we've i'll you'd
""".split("\n") * 3

TEXTS = [
    "The gardener grafts a young pear.",
    "Unbelievable!!! It's 37.5% cheaper, isn't it?",
    "ZWÖLF größere Äpfel über der Straße",
    "L'ÉTÉ dernier... crêpes «chaudes» – près de la forêt",
    "Вечером старый садовник ПОЛИВАЕТ деревья",
    "中文字符 and English 混合 text，很好。",
    "日本語のテキスト カタカナ ｶﾞ ﾊﾟ",
    "한국어 텍스트입니다",
    "नमस्ते दुनिया",
    "مرحبا بالعالم",
    "e\u0301 o\u0308\u0301 a\u0323\u0302 \u0301start Z\u0351\u036b\u0343",
    "tabs\tand\nnew lines\r\nand\u00a0odd\u2003blanks\u3000here\u200bzero",
    "nul\x00inside and \x07bell and \x85next line \ufffd replacement \ufeffmark",
    "[CLS] a text that [MASK] names [SEP] special tokens [PAD][UNK]",
    "[cls] [ MASK ] [MASK",
    "\U0001F469\u200d\U0001F4BB codes \U0001F1E9\U0001F1EA \u2764\ufe0f 1\ufe0f\u20e3",
    "",
    "   ",
    "\u0300\u0301",
    "a" * 100,
    "b" * 101,
    "İstanbul ıssız SS ß ẞ ΣΊΣΥΦΟΣ ǅ ﬁ ™",
    "x=1;y:=2 @user #tag http://example.org/~a?b=c&d",
    "\U0001E944\U0002B820\U0002B920\U0002F800 \uf900",
    "unreadable rereading reader's readers' re-read",
    "\u0e33\u0dcf\u1b04 \u0345\u03b1\u0345 \U0001D15E",
]

PAIRS = [
    ("the soup was cold", "nobody apologised for anything in particular that evening"),
    ("a good graft heals within weeks and a bad one dries out before summer", "yes"),
    ("we train small heads on large encoders", "because it is cheap and works well"),
    ("", "a text beside nothing"),
    ("中文", "[MASK] über"),
]
