"""A small catalogue in the old service's format, with every quirk of the real files, and ways to break it."""

import gzip
from itertools import cycle

FILES = {
    "product.csv": """\
id,name,slogan,description,category,default_price
1,"Fog Anorak","For grey mornings","Says ""dry"", twice","Coats",140
2,"Tin Kilt","","null","Kilts",0
7,"Élan Smock","default_price: 9","Ends in ,default_price: 9","Smocks",500000000""",
    "features.csv": """\
id,product_id,feature,value
1,1,"Shell","Waxed"
2,1,"Lining",null
3,2,"Lining","null"
4,1,"Shell","Waxed\"""",
    "styles.csv": """\
id,productId,name,sale_price,original_price,default_style
1,1,"Moss",null,140,1
2,1,"Slate",0,140,0
5,2,"Rust",35,40,0""",
    "photos.csv": """\
id,styleId,url,thumbnail_url
3,1,"https://img.example/a,b?w=1","https://img.example/a?w=2"
4,1,"https://img.example/c","https://img.example/c?w=2
9,2,"https://img.example/d","uhttps://img.example/d"
""",
    "skus.csv": """\
id,styleId,size,quantity
1,1,"XL",8
2,1,"XL",0
6,5,"One, or two",3""",
    "related.csv": """\
id,current_product_id,related_product_id
1,1,2
2,1,0
3,1,1
4,1,2
5,7,99""",
    "cart.csv": """\
id,user_session,product_id,active
1,12,1,1
2,13,2,0""",
}

STORED = {
    "products": [
        (1, "Fog Anorak", "For grey mornings", 'Says "dry", twice', "Coats", 140),
        (2, "Tin Kilt", "", "null", "Kilts", 0),
        (7, "Élan Smock", "default_price: 9", "Ends in ,default_price: 9", "Smocks", 500000000),
    ],
    "features": [(1, 1, "Shell", "Waxed"), (2, 1, "Lining", None), (3, 2, "Lining", "null"), (4, 1, "Shell", "Waxed")],
    "styles": [(1, 1, "Moss", 140, None, True), (2, 1, "Slate", 140, 0, False), (5, 2, "Rust", 40, 35, False)],
    "photos": [
        (3, 1, "https://img.example/a,b?w=1", "https://img.example/a?w=2"),
        (4, 1, "https://img.example/c", "https://img.example/c?w=2"),
        (9, 2, "https://img.example/d", "uhttps://img.example/d"),
    ],
    "skus": [(1, 1, "XL", 8), (2, 1, "XL", 0), (6, 5, "One, or two", 3)],
    "related_products": [(1, 1, 2), (3, 1, 1), (4, 1, 2), (5, 7, 99)],
}

#: The same, of the files with line ends inside values.
STORED_SPANNING = STORED | {
    "products": [
        (1, "Fog Anorak", 'For\n\ngrey\r\n"mornings"\r', 'Says "dry", twice', "Coats", 140),
        *STORED["products"][1:],
    ],
    "features": [(*row[:3], '\n7,7,"Waxed",1\n' if row[3] == "Waxed" else row[3]) for row in STORED["features"]],
    "skus": [*STORED["skus"][:2], (6, 5, "One,\n\\.\n or two", 3)],
}

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _line_ends(name, text, *ends):
    """The lines with these ends in turn; a line end in quotes stays as it is."""
    records, ends = [], cycle(ends)
    for line in text.encode().split(b"\n"):
        if records and records[-1].count(b'"') % 2 and name != "photos.csv":
            records[-1] += b"\n" + line
        else:
            records.append(line)
    return b"".join(record + next(ends) for record in records if record)


def _each(change):
    return lambda files: {name: change(name, text) for name, text in files.items()}


def _packed(change):
    return lambda files: {f"{name}.gz": gzip.compress(change(name, text)) for name, text in files.items()}


#: What tools make of the files, each from the plain ones.
FORMS = {
    "CRLF": _each(lambda name, text: _line_ends(name, text, b"\r\n")),
    "mixed line ends": _each(lambda name, text: _line_ends(name, text, b"\r\n", b"\n", b"\n", b"\r\n")),
    "a byte order mark": _each(lambda _name, text: BYTE_ORDER_MARK + text.encode()),
    "blank lines at the end": _each(lambda name, text: _line_ends(name, text, b"\n") + b"\n\r\n\n"),
    "gzip": _packed(lambda _name, text: text.encode()),
    "all of it": _packed(lambda name, text: BYTE_ORDER_MARK + _line_ends(name, text, b"\r\n", b"\n") + b"\r\n\n"),
}


def write(directory, files=FILES):
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return directory


def edited(name, old, new):
    """The files with one change, as bytes; ``old`` must be there."""
    text = FILES[name].encode()
    assert old in text
    return FILES | {name: text.replace(old, new, 1)}


def spanning():
    """A catalogue with line ends inside quoted values."""
    return FILES | {
        "product.csv": FILES["product.csv"].replace('"For grey mornings"', '"For\n\ngrey\r\n""mornings""\r"'),
        "features.csv": FILES["features.csv"].replace('"Waxed"', '"\n7,7,""Waxed"",1\n"'),
        "skus.csv": FILES["skus.csv"].replace("One, or two", "One,\n\\.\n or two"),
    }


def older():
    """The same catalogue as the older generation wrote it."""
    files = {}
    for name, text in FILES.items():
        header, _, rows = text.partition("\n")
        files[name] = f"{header.replace(',', ' , ')}\n{rows}"
    files["features.csv"] = FILES["features.csv"].partition("\n")[2]
    files["product.csv"] = files["product.csv"].replace('"Coats",140', '"Coats",default_price: 140')
    return files


def reordered():
    """The same catalogue with the labelled price, the ids and the broken quote in other columns."""
    return FILES | {
        "product.csv": """\
default_price,description,id,name,category,slogan
default_price: 140,"Says ""dry"", twice",1,"Fog Anorak","Coats","For grey mornings"
0,"null",2,"Tin Kilt","Kilts",""
500000000,"Ends in ,default_price: 9",7,"Élan Smock","Smocks","default_price: 9\"""",
        "photos.csv": """\
url,styleId,id,thumbnail_url
"https://img.example/a,b?w=1",1,3,"https://img.example/a?w=2"
"https://img.example/c",1,4,"https://img.example/c?w=2
"https://img.example/d",2,9,"uhttps://img.example/d\"""",
        "related.csv": """\
related_product_id,id,current_product_id
2,1,1
0,2,1
1,3,1
2,4,1
99,5,7""",
    }
