"""The manual of a made-up parcel service in five languages: sections, each with a question in other inflections."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A section of a manual and a question that it answers, in words of other endings than its own."""

    heading: str
    text: str
    question: str


GERMAN = (
    Section(
        "Einrichtung",
        "Die Einrichtung des Dienstes dauert etwa zehn Minuten. Sie legen dabei einen Zugang an und geben die Anschrift "
        "des Lagers ein, das dann für alle weiteren Schritte gilt.",
        "Wie lange dauern Einrichtungen von Diensten?",
    ),
    Section(
        "Zustellversuch",
        "Ein Paket wird bis zu dreimal zugestellt. Nach dem letzten erfolglosen Versuch geht es in das Lager zurück, und "
        "der Empfänger erhält eine Benachrichtigung darüber.",
        "Was passiert nach erfolglosen Zustellversuchen?",
    ),
    Section(
        "Lagerplatz",
        "Jeder Lagerplatz hat eine Nummer und eine Höchstlast. Wird die Höchstlast überschritten, sperrt das System den "
        "Platz, bis jemand ihn von Hand wieder freigibt.",
        "Welche Höchstlasten haben Lagerplätze?",
    ),
    Section(
        "Rechnung",
        "Am Ende des Monats wird für jeden Kunden eine Rechnung gestellt. Sie nennt alle Sendungen mit ihrem Gewicht "
        "und wird als Datei an die hinterlegte Adresse verschickt.",
        "An welche Adressen gehen Rechnungen?",
    ),
    Section(
        "Fahrzeug",
        "Ein Fahrzeug ist nur dann einsatzbereit, wenn seine Prüfung gültig ist. Der Fahrer sieht den Ablauf der Prüfung "
        "auf dem Bildschirm und meldet Mängel mit einem Knopf.",
        "Wo sehen Fahrer die Prüfungen ihrer Fahrzeuge?",
    ),
    Section(
        "Störung",
        "Bei einer Störung der Verbindung speichert das Gerät die Eingaben und sendet sie, sobald das Netz wieder da ist. "
        "Keine Eingabe geht dabei verloren.",
        "Gehen bei Störungen Eingaben verloren?",
    ),
    Section(
        "Vertretung",
        "Eine Vertretung übernimmt die Aufgaben eines Kollegen, der krank oder im Urlaub ist. Sie wird von der Leitung "
        "ernannt und endet von selbst mit dem letzten Tag.",
        "Wer ernennt Vertretungen für kranke Kollegen?",
    ),
    Section(
        "Beschwerde",
        "Eine Beschwerde muss innerhalb von vierzehn Tagen eingehen. Sie wird geprüft, und der Kunde bekommt eine "
        "schriftliche Antwort mit der Entscheidung.",
        "Innerhalb welcher Frist müssen Beschwerden eingehen?",
    ),
    Section(
        "Waage",
        "Die Waage wird einmal im Jahr geeicht. Ohne gültige Eichung darf sie nicht benutzt werden, und das Programm "
        "weist jede Wägung mit einem Hinweis ab.",
        "Wie oft sind Eichungen der Waagen nötig?",
    ),
    Section(
        "Schließfach",
        "Ein Schließfach öffnet sich mit dem Kode aus der Nachricht. Der Kode gilt drei Tage, danach wird das Fach geleert "
        "und die Sendung zurückgeschickt.",
        "Wie öffnen Kunden Schließfächer mit Kodes?",
    ),
)

FRENCH = (
    Section(
        "Installation du lecteur",
        "Le lecteur est installé près de la porte et relié au réseau par un câble. Une fois branché, il cherche "
        "lui-même le serveur et affiche son adresse sur l'écran.",
        "Où installer les lecteurs ?",
    ),
    Section(
        "Livraison manquée",
        "Quand une livraison échoue, le colis est gardé dans le dépôt pendant sept jours. Le client reçoit un avis qui "
        "lui donne les heures d'ouverture.",
        "Que deviennent les livraisons qui ont échoué ?",
    ),
    Section(
        "Facturation mensuelle",
        "La facture est établie à la fin du mois pour chaque client. Elle contient la liste des colis avec leur poids et "
        "elle est envoyée par courrier.",
        "Comment envoyer les factures mensuelles ?",
    ),
    Section(
        "Véhicule en panne",
        "Si un véhicule tombe en panne, le conducteur prévient la centrale, qui en envoie un autre dans les deux heures. "
        "Les colis sont alors transférés sur place.",
        "Qui prévenir pour des véhicules en panne ?",
    ),
    Section(
        "Réclamation",
        "Une réclamation doit être déposée dans les quinze jours. Elle est examinée par une personne qui n'a pas traité "
        "le colis, et la réponse est écrite.",
        "Combien de jours pour déposer des réclamations ?",
    ),
    Section(
        "Étiquette illisible",
        "Une étiquette illisible est remplacée par le centre de tri. L'agent cherche le numéro dans le registre et colle "
        "une nouvelle étiquette sur le paquet.",
        "Comment remplacer des étiquettes illisibles ?",
    ),
    Section(
        "Remplaçant",
        "Le remplaçant est choisi par le chef d'équipe et reçoit les mêmes droits que la personne absente. Ces droits "
        "prennent fin avec le retour de celle-ci.",
        "Quels droits ont les remplaçants ?",
    ),
    Section(
        "Balance",
        "La balance est étalonnée une fois par an. Sans étalonnage valable, elle ne peut pas être utilisée et le "
        "programme refuse toute pesée.",
        "Quand étalonner les balances ?",
    ),
    Section(
        "Casier",
        "Le casier s'ouvre avec le code qui est dans le message. Ce code est valable trois jours, puis le casier est vidé "
        "et le colis renvoyé.",
        "Comment ouvrir les casiers avec des codes ?",
    ),
    Section(
        "Archivage",
        "Le registre est archivé tous les six mois sur un disque séparé. Les adresses y sont effacées, de sorte que "
        "personne ne peut les retrouver plus tard.",
        "Quand les registres sont-ils archivés ?",
    ),
)

SPANISH = (
    Section(
        "Instalación del lector",
        "El lector se instala junto a la puerta y se conecta a la red con un cable. Cuando está conectado, busca él mismo "
        "el servidor y muestra su dirección en la pantalla.",
        "¿Dónde se instalan los lectores?",
    ),
    Section(
        "Entrega fallida",
        "Cuando una entrega falla, el paquete queda siete días en el depósito. El cliente recibe un aviso con el horario "
        "en el que puede recogerlo.",
        "¿Qué pasa con las entregas fallidas?",
    ),
    Section(
        "Factura mensual",
        "La factura se emite al final del mes para cada cliente. Contiene la lista de los paquetes con su peso y se envía "
        "por correo a la dirección del contrato.",
        "¿Cuándo se emiten las facturas mensuales?",
    ),
    Section(
        "Vehículo averiado",
        "Si un vehículo se avería, el conductor avisa a la central, que manda otro en menos de dos horas. Los paquetes se "
        "trasladan allí mismo.",
        "¿A quién avisan los conductores de vehículos averiados?",
    ),
    Section(
        "Reclamación",
        "Una reclamación debe presentarse dentro de quince días. La examina una persona que no ha tratado el paquete, y "
        "la respuesta se da por escrito.",
        "¿En cuántos días hay que presentar las reclamaciones?",
    ),
    Section(
        "Etiqueta ilegible",
        "Una etiqueta ilegible es sustituida en el centro. El agente busca el número en el registro y pega una etiqueta "
        "nueva sobre el bulto.",
        "¿Cómo sustituir etiquetas ilegibles?",
    ),
    Section(
        "Suplente",
        "El suplente es elegido por el jefe del equipo y tiene los mismos permisos que la persona ausente. Los permisos "
        "terminan cuando esta vuelve.",
        "¿Quién elige a los suplentes?",
    ),
    Section(
        "Báscula",
        "La báscula se calibra una vez al año. Sin una calibración válida no se puede usar, y el programa rechaza "
        "cualquier pesada con un mensaje.",
        "¿Cada cuánto hay que calibrar las básculas?",
    ),
    Section(
        "Casillero",
        "El casillero se abre con la clave que está en el mensaje. Esa clave vale tres días, y después el casillero se "
        "vacía y el bulto se devuelve.",
        "¿Cómo abrir casilleros con claves?",
    ),
    Section(
        "Archivo del registro",
        "El registro se archiva cada seis meses en un disco aparte. En él se borran las direcciones, de modo que nadie "
        "las pueda encontrar más tarde.",
        "¿Cuándo se archivan los registros?",
    ),
)

RUSSIAN = (
    Section(
        "Установка считывателя",
        "Считыватель ставится у двери и подключается к сети кабелем. После подключения он сам находит сервер и "
        "показывает на экране его адрес.",
        "Как подключить считыватели?",
    ),
    Section(
        "Неудачная доставка",
        "Если доставка не удалась, посылка лежит на складе семь дней. Получателю приходит уведомление с часами работы.",
        "Сколько дней лежат посылки на складах?",
    ),
    Section(
        "Месячный счёт",
        "Счёт выставляется каждому клиенту в конце месяца. В нём перечислены все отправления с весом, и он уходит почтой.",
        "Когда выставляются счета клиентам?",
    ),
    Section(
        "Поломка машины",
        "При поломке машины водитель сообщает диспетчеру, и тот высылает другую в течение двух часов. Груз "
        "перекладывают на месте.",
        "Кому водители сообщают о поломках машин?",
    ),
    Section(
        "Жалоба",
        "Жалоба подаётся в течение пятнадцати дней. Её рассматривает сотрудник, который не работал с отправлением.",
        "Кто рассматривает жалобы?",
    ),
    Section(
        "Нечитаемая этикетка",
        "Нечитаемую этикетку заменяют в сортировочном центре. Оператор ищет номер в журнале и клеит новую.",
        "Где заменить нечитаемые этикетки?",
    ),
    Section(
        "Заместитель",
        "Заместителя назначает начальник смены, и он получает права отсутствующего сотрудника до его возвращения.",
        "Какие права получают заместители?",
    ),
    Section(
        "Весы",
        "Калибровка весов проводится раз в год. Без действующей калибровки программа отклоняет любое взвешивание.",
        "Что происходит при взвешиваниях без калибровки?",
    ),
    Section(
        "Ячейка",
        "Ячейка открывается кодом из сообщения. Код действует трое суток, потом содержимое возвращают отправителю.",
        "Как открыть ячейки кодами?",
    ),
    Section(
        "Архив журнала",
        "Журнал архивируется каждые полгода на отдельный диск. Адреса при этом стираются, и найти их уже нельзя.",
        "Когда архивируют журналы?",
    ),
)

CHINESE = (
    Section("安装读卡器", "读卡器装在门边,用网线连接。接通后自动寻找服务器,屏幕上显示地址。", "请问读卡器怎么安装?"),
    Section("默认端口", "服务监听的默认端口为 8080,在设置文件中修改后重新启动即可。", "默认端口是多少?"),
    Section("投递失败", "投递失败时包裹在仓库保存七天,收件人会收到通知。", "投递失败了的包裹怎么办?"),
    Section("月度账单", "账单在月底为每位客户生成,列出全部包裹和重量,通过邮件发送。", "账单是什么时候生成的?"),
    Section("车辆故障", "车辆发生故障时司机通知调度中心,两小时内派出另一辆。", "车辆有故障的时候应该通知谁?"),
    Section("投诉", "投诉须在十五天内提交,由没有处理过该包裹的人审查。", "投诉要在多少天内提交?"),
    Section("标签模糊", "标签模糊时由分拣中心更换,操作员在登记簿中查找编号。", "标签模糊了怎么更换?"),
    Section("磅秤校准", "磅秤每年校准一次。校准过期后程序拒绝称重。", "磅秤多少时间要校准一次?"),
    Section("储物柜", "储物柜用短信里的密码打开。密码三天有效,之后柜子被清空。", "储物柜的密码是几天有效?"),
    Section("登记簿归档", "登记簿每六个月归档到单独的磁盘,地址被抹去。", "登记簿可以多久归档?"),
)

MANUALS = {"de": GERMAN, "fr": FRENCH, "es": SPANISH, "ru": RUSSIAN, "zh": CHINESE}
