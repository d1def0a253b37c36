"""What exports call a column in other languages than English, and in shop systems, by role, the surest names first.

Names are as ``plain_name`` writes them: letters and digits alone, small, without accents.
"""

from __future__ import annotations

# German, French, Spanish, Italian, Portuguese, Dutch, Chinese (simplified, then traditional), Japanese.
NAMES_BY_LANGUAGE: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "kundennummer", "kundennr", "kundenid", "kdnr", "kundenno", "debitorennummer", "debitor", "kunde",
        "numeroclient", "noclient", "nclient", "numclient", "idclient", "identifiantclient", "codeclient",
        "referenceclient", "refclient",
        "idcliente", "numerocliente", "nocliente", "ncliente", "numcliente", "codigocliente", "codigodecliente",
        "codcliente", "codigodocliente", "numerodecliente", "iddecliente", "iddocliente", "numerodocliente",
        "clienteid", "idcomprador", "comprador", "cliente",
        "codicecliente", "numerodelcliente", "clienten",
        "klantnummer", "klantnr", "klantid", "klantcode", "klant", "debiteurnummer", "debiteurnr",
        "客户编号", "客户id", "客户号", "客户代码", "会员编号", "会员id", "会员号", "会员卡号", "用户id", "用户编号",
        "买家id", "买家会员名", "买家昵称", "顾客编号", "顾客id", "客户", "会员", "用户",
        "客戶編號", "客戶id", "客戶代號", "會員編號", "會員id", "會員", "顧客編號", "客戶",
        "顧客id", "顧客番号", "顧客コード", "顧客no", "会員id", "会員番号", "会員no", "得意先コード", "得意先番号",
        "お客様番号", "お客様id", "取引先コード", "購入者id", "顧客",
    ),
    "date": (
        "bestelldatum", "auftragsdatum", "kaufdatum", "rechnungsdatum", "belegdatum", "buchungsdatum", "verkaufsdatum",
        "umsatzdatum", "datum",
        "datedecommande", "datecommande", "datedachat", "dateachat", "datedefacture", "datefacture",
        "datedefacturation", "datefacturation", "datedevente", "datevente",
        "fechadepedido", "fechapedido", "fechadelpedido", "fechadecompra", "fechacompra", "fechadefactura",
        "fechafactura", "fechadeventa", "fechaventa", "fecha",
        "dataordine", "datadellordine", "dataacquisto", "datadiacquisto", "datafattura", "datavendita",
        "datadopedido", "datadepedido", "datapedido", "datadacompra", "datadecompra", "datacompra", "datadafatura",
        "datafatura", "datadavenda", "datadevenda", "datavenda", "data",
        "besteldatum", "orderdatum", "aankoopdatum", "factuurdatum", "verkoopdatum", "transactiedatum",
        "订单日期", "下单日期", "下单时间", "订单时间", "订单创建时间", "订单付款时间", "付款时间", "购买日期",
        "购买时间", "交易日期", "交易时间", "消费日期", "消费时间", "销售日期", "成交时间", "日期",
        "訂單日期", "下單日期", "下單時間", "訂購日期", "購買日期", "銷售日期", "發票日期",
        "注文日", "注文日時", "購入日", "購入日時", "受注日", "受注日時", "売上日", "取引日", "販売日", "請求日",
        "日付", "年月日",
    ),
    "amount": (
        "betrag", "umsatz", "nettobetrag", "nettoumsatz", "umsatznetto", "betragnetto",
        "gesamtbetrag", "rechnungsbetrag", "bestellwert",
        "auftragswert", "zeilenbetrag", "positionsbetrag", "gesamtpreis", "gesamtsumme", "summe", "bruttobetrag",
        "bruttoumsatz", "warenwert", "umsatzeur", "betrageur",
        "montant", "montantht", "montantttc", "montanttotal", "montantcommande", "montantdelacommande",
        "montantfacture", "montantnet", "totalht", "totalttc", "chiffredaffaires", "chiffreaffaires", "ca", "caht",
        "prixtotal",
        "importe", "importetotal", "importeneto", "importedelpedido", "monto", "montototal", "totalpedido",
        "totaldelpedido", "totalfactura", "preciototal", "ventas", "valortotal",
        "importo", "importototale", "importoordine", "importonetto", "totaleordine", "totalefattura", "prezzototale",
        "totale", "fatturato",
        "valor", "montante", "valordopedido", "valorpedido", "valordavenda", "valorvenda", "valordacompra",
        "valorliquido", "totaldopedido", "precototal", "receita", "faturamento",
        "bedrag", "totaalbedrag", "orderbedrag", "factuurbedrag", "nettobedrag", "brutobedrag", "omzet", "totaal",
        "totaalprijs", "orderwaarde", "bestelbedrag",
        "金额", "订单金额", "实付金额", "支付金额", "付款金额", "实收金额", "买家实际支付金额", "消费金额", "交易金额",
        "销售金额", "销售额", "成交金额", "总金额", "订单总额", "总价",
        "金額", "訂單金額", "實付金額", "付款金額", "消費金額", "交易金額", "銷售金額", "銷售額", "總金額", "總價",
        "売上", "売上金額", "注文金額", "購入金額", "受注金額", "売上高", "請求金額", "合計金額", "取引金額",
        "販売金額", "合計", "小計",
    ),
    "order": (
        "bestellnummer", "bestellnr", "bestellid", "auftragsnummer", "auftragsnr", "rechnungsnummer", "rechnungsnr",
        "belegnummer", "belegnr", "bonnummer", "bestellung",
        "numerocommande", "numerodecommande", "nocommande", "ncommande", "ndecommande", "idcommande",
        "referencecommande", "commande", "numerofacture", "numerodefacture", "nofacture", "nfacture",
        "numeropedido", "numerodepedido", "nopedido", "npedido", "idpedido", "iddepedido", "iddelpedido", "pedido",
        "numerofactura", "numerodefactura", "nofactura", "factura",
        "numeroordine", "numerodordine", "nordine", "idordine", "codiceordine", "ordine", "numerofattura", "fattura",
        "numerodopedido", "iddopedido", "codigopedido", "codigodopedido", "numerofatura", "notafiscal",
        "ordernummer", "ordernr", "bestelnummer", "bestelnr", "factuurnummer", "factuurnr",
        "订单编号", "订单号", "订单id", "主订单编号", "交易号", "交易编号", "单号", "发票号",
        "訂單編號", "訂單號碼", "訂單id", "交易編號", "發票號碼",
        "注文番号", "注文id", "注文no", "受注番号", "受注id", "受注no", "伝票番号", "請求書番号", "取引番号", "取引id",
    ),
    "product": (
        "artikelnummer", "artikelnr", "artikelid", "artnr", "produktnummer", "produktnr", "produktid",
        "materialnummer", "artikel", "produkt", "artikelbezeichnung", "artikelname", "produktname",
        "referenceproduit", "refproduit", "codeproduit", "idproduit", "codearticle", "referencearticle", "refarticle",
        "produit", "nomduproduit",
        "codigoproducto", "codigodeproducto", "codigodelproducto", "idproducto", "referenciaproducto", "producto",
        "codigoarticulo", "articulo", "nombredelproducto",
        "codiceprodotto", "idprodotto", "prodotto", "codicearticolo", "articolo", "nomeprodotto",
        "codigoproduto", "codigodoproduto", "idproduto", "produto", "nomedoproduto",
        "productnummer", "productcode", "artikelcode", "productnaam",
        "商品编号", "商品编码", "商品id", "产品编号", "产品编码", "产品id", "货号", "商品名称", "产品名称", "宝贝标题",
        "商品", "产品",
        "商品編號", "商品編碼", "產品編號", "產品id", "商品名稱", "產品名稱", "產品",
        "商品コード", "商品番号", "品番", "製品コード", "製品番号", "商品名", "品名", "製品名",
    ),
    "category": (
        "warengruppe", "artikelgruppe", "produktgruppe", "produktkategorie", "kategorie",
        "categorie", "categorieproduit", "categoriedeproduit", "famille", "familleproduit", "rayon",
        "categoria", "categoriadeproducto", "categoriadelproducto", "categoriaproducto", "familia",
        "categoriaprodotto", "gruppomerceologico", "reparto", "categoriaproduto", "categoriadoproduto",
        "productgroep", "productcategorie", "artikelgroep",
        "类别", "品类", "商品类别", "商品分类", "产品类别", "产品分类", "类目", "分类",
        "類別", "品類", "商品類別", "商品分類", "產品類別", "分類",
        "カテゴリ", "カテゴリー", "商品カテゴリ", "商品カテゴリー", "部門",
    ),
    "quantity": (
        "menge", "anzahl", "stuckzahl", "stuck", "bestellmenge",
        "quantite", "qte", "quantitecommandee",
        "cantidad", "cant", "unidades", "quantita", "qta", "pezzi", "quantidade", "qtd", "qtde",
        "aantal", "hoeveelheid",
        "数量", "购买数量", "件数", "商品数量", "销售数量", "宝贝总数量", "數量", "購買數量", "銷售數量",
        "個数", "点数", "注文数", "注文数量", "購入数", "購入数量", "販売数量",
    ),
    "price": (
        "einzelpreis", "epreis", "stuckpreis", "stuckpreiseur", "einzelpreiseur", "preis", "verkaufspreis", "vkpreis",
        "preisprostuck", "preisproeinheit",
        "prixunitaire", "prixunitaireht", "prixunitairettc", "puht", "prix", "prixdevente",
        "preciounitario", "preciounidad", "precio", "preciodeventa",
        "prezzounitario", "prezzo", "precounitario", "valorunitario", "preco",
        "stukprijs", "eenheidsprijs", "prijsperstuk", "prijs", "verkoopprijs",
        "单价", "商品单价", "销售单价", "价格", "單價", "價格", "単価", "販売単価", "商品単価", "価格", "販売価格",
    ),
    "discount": (
        "rabatt", "rabattbetrag", "nachlass", "preisnachlass",
        "remise", "montantremise", "montantdelaremise", "reduction", "rabais",
        "descuento", "importedescuento", "sconto", "importosconto", "desconto", "valordodesconto", "valordesconto",
        "korting", "kortingsbedrag",
        "折扣", "折扣金额", "优惠金额", "优惠", "折扣金額", "優惠金額", "割引", "割引額", "割引金額", "値引", "値引き",
        "値引額",
    ),
    "cost": (
        "kosten", "wareneinsatz", "einstandspreis", "einkaufspreis", "selbstkosten",
        "cout", "coutdachat", "coutdesventes", "prixderevient", "prixdachat",
        "coste", "costo", "costodelvenduto", "costoacquisto", "costedeventas", "custo", "custototal", "kostprijs",
        "inkoopprijs", "成本", "成本金额", "成本金額", "原価", "売上原価", "原価金額",
    ),
    "currency": (
        "wahrung", "wahrungscode", "waehrung", "devise", "monnaie", "codedevise", "moneda", "divisa", "valuta",
        "moeda", "币种", "货币", "幣別", "幣種", "貨幣", "通貨", "通貨コード",
    ),
    "status": (
        "bestellstatus", "auftragsstatus", "zahlungsstatus",
        "statut", "statutcommande", "statutdelacommande", "etatcommande", "etatdelacommande",
        "estadodelpedido", "estadopedido", "estadodepago", "stato", "statoordine", "statodellordine",
        "statodopedido", "statuspedido", "statusdopedido", "situacao", "bestelstatus", "betaalstatus",
        "订单状态", "交易状态", "支付状态", "付款状态", "状态", "訂單狀態", "付款狀態", "狀態",
        "注文状況", "注文ステータス", "受注ステータス", "支払状況", "ステータス", "状態",
    ),
    "kind": (
        "kundenart", "kundentyp", "kundengruppe", "typeclient", "typedeclient", "tipocliente", "tipodecliente",
        "klanttype", "klantsoort", "客户类型", "会员类型", "客戶類型", "顧客区分", "会員区分", "顧客種別",
    ),
}  # fmt: skip

# Headings of Shopify, WooCommerce, Magento, Amazon, Stripe, PrestaShop, BigCommerce, Etsy, Square and PayPal that are
# no usual name already.
NAMES_BY_SHOP: dict[str, tuple[str, ...]] = {
    "customer_id": ("idcustomer", "buyeruserid", "customeruserid", "buyerusername"),
    "date": (
        "purchasedon", "datecreated", "datecreatedgmt", "orderplaced", "orderdateutc", "paidat", "paiddate",
        "createdutc", "createddateutc", "created", "createddate", "createdon", "saledate", "dateadd", "processedat",
    ),
    "amount": (
        "subtotal", "lineitemtotal", "itemtotal", "ordertotalamount", "grandtotal", "grandtotalpurchased",
        "grandtotalbase", "basegrandtotal", "totalpaid", "totalpaidtaxincl", "ordervalue",
        "orderamount", "transactionamount", "grosssales", "ordertotalinctax", "net", "gross",
    ),
    "order": (
        "ordernumber", "idorder", "amazonorderid", "incrementid", "saleid", "paymentintentid", "chargeid",
        "invoicenumber", "orderreference", "transactionno",
    ),
    "product": (
        "lineitemsku", "lineitemname", "idproduct", "productsku", "itemsku", "asin", "productname", "itemname",
        "itemnumber", "listingid",
    ),
    "category": ("producttype", "itemcategory", "lineitemcategory"),
    "quantity": (
        "lineitemquantity", "quantitypurchased", "quantityordered", "qtyordered", "itemquantity", "unitsordered",
        "itemssold",
    ),
    "price": ("unitprice", "lineitemprice", "price", "itemunitprice", "productprice", "saleprice"),
    "discount": (
        "lineitemdiscount", "itempromotiondiscount", "promotiondiscount", "discountapplied", "cartdiscount",
        "totaldiscount", "totaldiscounts",
    ),
    "cost": ("costofgoods", "costofgoodssold", "productcost", "itemcost"),
    "currency": ("ordercurrency", "ordercurrencycode", "itemcurrency", "currencyiso"),
    "status": ("financialstatus", "orderstate", "itemstatus", "transactionstatus", "paymentstate", "currentstate"),
    "kind": ("customergroup", "clienttype"),
}  # fmt: skip

# An address of e-mail is the customer only where nothing else is: it changes, and is written in several ways.
E_MAIL = (
    "customeremail", "buyeremail", "billingemail", "clientemail", "useremail", "contactemail", "emailaddress",
    "emailadresse", "kundenemail", "adresseemail", "adressemail", "correoelectronico", "correo", "indirizzoemail",
    "emailcliente", "emaildocliente", "emailadres", "邮箱", "电子邮箱", "電子郵件", "メールアドレス", "email", "mail",
)  # fmt: skip
