"""A small catalogue in the old service's format, with every quirk of the real files, and ways to break it."""

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
