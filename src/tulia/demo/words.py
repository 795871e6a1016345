"""What the demo shop is made of: names, places, wares, and what people write (pure data).

Everybody is invented: given names and family names are drawn apart from one another.
"""

from __future__ import annotations

WOMEN = (
    "Achieng", "Aisha", "Akinyi", "Amina", "Anyango", "Asha", "Atieno", "Awino", "Beatrice", "Caroline", "Catherine",
    "Chebet", "Chepkoech", "Damaris", "Diana", "Esther", "Eunice", "Faith", "Fatuma", "Florence", "Gathoni", "Grace",
    "Halima", "Hodan", "Irene", "Jane", "Jebet", "Joyce", "Judith", "Khadija", "Lilian", "Lucy", "Makena", "Margaret",
    "Mariam", "Mercy", "Moraa", "Mueni", "Mumbua", "Mwende", "Mwikali", "Nafula", "Nakato", "Nasimiyu", "Nekesa",
    "Njeri", "Njoki", "Nyambura", "Nyokabi", "Priscilla", "Purity", "Rehema", "Rose", "Ruth", "Saida", "Salome",
    "Sarah", "Sharon", "Tabitha", "Uwase", "Wairimu", "Waithera", "Wambui", "Wangari", "Wanjiku", "Wanjiru", "Winnie",
    "Zainab", "Zawadi", "Zipporah",
)  # fmt: skip
MEN = (
    "Abdi", "Abdullahi", "Ali", "Amani", "Baraka", "Benson", "Brian", "Charles", "Collins", "Daniel", "David", "Dennis",
    "Dickson", "Duncan", "Elijah", "Emmanuel", "Eric", "Ezekiel", "Felix", "Francis", "George", "Gitau", "Hamisi",
    "Hassan", "Isaac", "Ismail", "Jackson", "James", "Jomo", "Joseph", "Joshua", "Juma", "Kamau", "Karanja", "Kelvin",
    "Kennedy", "Kevin", "Kibet", "Kimani", "Kiprop", "Kipchumba", "Macharia", "Martin", "Mohamed", "Moses", "Mugisha",
    "Musa", "Mutua", "Mwangi", "Ndung'u", "Nicholas", "Njoroge", "Ochieng", "Odhiambo", "Okoth", "Omar", "Otieno",
    "Patrick", "Paul", "Peter", "Rashid", "Robert", "Salim", "Samuel", "Shadrack", "Simon", "Stephen", "Tumaini",
    "Victor", "Wafula",
)  # fmt: skip
FAMILIES = (
    "Abdalla", "Abebe", "Achieng'", "Adan", "Ali", "Barasa", "Bett", "Chege", "Cherono", "Farah", "Gathogo", "Githinji",
    "Hussein", "Ibrahim", "Kahiga", "Kariuki", "Kimathi", "Kinyua", "Kipkorir", "Kiplagat", "Kirui", "Koech", "Langat",
    "Lokorua", "Makokha", "Maina", "Masinde", "Mbugua", "Mbithi", "Mohamud", "Muchiri", "Mugo", "Mulwa", "Munyao",
    "Muriithi", "Murungi", "Musyoka", "Mutai", "Muthoni", "Mutiso", "Mwakalinga", "Mwaura", "Mwinyi", "Namukasa",
    "Ndegwa", "Ngetich", "Ngugi", "Njenga", "Nyaga", "Nyongesa", "Obuya", "Ochola", "Ogola", "Okello", "Omondi",
    "Onyango", "Oduor", "Opiyo", "Ouma", "Owino", "Patel", "Rotich", "Ruto", "Sang", "Shah", "Shikuku", "Simiyu",
    "Tanui", "Tesfaye", "Thuo", "Uwimana", "Wachira", "Wafula", "Waweru", "Wekesa", "Were", "Yator",
)  # fmt: skip

# Prefixes of Kenyan mobile numbers (three digits after +254), which six digits follow.
PHONE_PREFIXES = (
    "700", "701", "704", "706", "708", "710", "711", "712", "713", "714", "716", "717", "718", "720", "721", "722",
    "723", "724", "725", "726", "727", "728", "729", "733", "734", "735", "740", "741", "742", "743", "745", "746",
    "748", "757", "758", "759", "768", "769", "790", "791", "792", "795", "796", "797", "798", "799", "110", "111",
    "112", "113", "114", "115",
)  # fmt: skip

# City and how many of a hundred customers live there.
CITIES = (
    ("Nairobi", 44), ("Mombasa", 12), ("Kisumu", 9), ("Nakuru", 8), ("Eldoret", 6), ("Thika", 5), ("Machakos", 4),
    ("Nyeri", 3), ("Kakamega", 3), ("Meru", 3), ("Malindi", 2), ("Kitale", 1),
)  # fmt: skip

# Ware, department, and usual price in KES.
WARES = (
    ("Ankara wrap dress", "womens", 3_200), ("Kitenge skirt", "womens", 1_900), ("Linen blouse", "womens", 1_650),
    ("Leather sandals", "womens", 2_400), ("Beaded necklace", "womens", 950), ("Silk headscarf", "womens", 780),
    ("Kiondo basket bag", "womens", 2_100), ("Linen shirt", "mens", 2_300), ("Chino trousers", "mens", 2_850),
    ("Akala sandals", "mens", 1_200), ("Leather belt", "mens", 1_450), ("Rain jacket", "mens", 4_600),
    ("Polo shirt", "mens", 1_550), ("Kikoi towel", "mens", 1_300), ("School shoes", "kids", 1_950),
    ("School sweater", "kids", 1_350), ("Dinosaur pyjamas", "kids", 1_150), ("Cotton romper", "kids", 890),
    ("Canvas backpack", "kids", 1_750), ("Maasai shuka", "mens", 1_600),
)  # fmt: skip

QUESTIONS = {
    "en": (
        "Hi, do you have the {ware} in size 10?", "Is the {ware} back in stock?", "How much is delivery to {city}?",
        "Can I exchange the {ware} I bought last week?", "What time do you close today?", "Do you take M-Pesa?",
        "Please keep one {ware} for me, I'll come on Saturday.", "My order hasn't arrived yet. Can you check?",
    ),
    "sw": (
        "Habari, mna {ware} saizi ya 10?", "{ware} imerudi dukani?", "Kutuma mpaka {city} ni pesa ngapi?",
        "Naweza kubadilisha {ware} niliyonunua wiki iliyopita?", "Mnafunga saa ngapi leo?", "Mnakubali M-Pesa?",
        "Niwekee {ware} moja, nitakuja Jumamosi.", "Agizo langu bado halijafika. Mnaweza kuangalia?",
    ),
}  # fmt: skip
ANSWERS = {
    "en": (
        "Hello {name}, yes, we have it. Shall we put one aside for you?", "Good morning {name}! We are open until 7 pm.",
        "Delivery to {city} is KES 350 and takes one to two days.", "Of course, bring it with the receipt.",
        "Let me check and come back to you in a moment.", "Yes: Till 541 220, Duka la Tulia.",
    ),
    "sw": (
        "Habari {name}, ndiyo, tunayo. Tukuwekee moja?", "Habari za asubuhi {name}! Tuko wazi mpaka saa moja jioni.",
        "Kutuma mpaka {city} ni KES 350, siku moja au mbili.", "Bila shaka, ilete na risiti.",
        "Ngoja niangalie, nitakujibu sasa hivi.", "Ndiyo: Till 541 220, Duka la Tulia.",
    ),
}  # fmt: skip
CLOSINGS = {
    "en": ("Thank you!", "Great, thanks.", "Perfect, see you then 🙏", "OK, noted."),
    "sw": ("Asante sana!", "Sawa, asante.", "Poa, tutaonana 🙏", "Haya, nimeelewa."),
}  # fmt: skip
