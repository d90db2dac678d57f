/* SPDX-License-Identifier: Apache-2.0 */
// The countries of ISO 3166-1, and Kosovo: their names, and a square for each about where it lies.

const GRID = `
.. .. .. .. .. .. .. GL .. .. .. .. IS .. .. .. SJ .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
CA .. .. .. .. .. PM .. .. .. .. .. FO .. .. NO SE AX FI .. .. .. RU .. .. .. .. .. .. .. .. ..
US .. .. .. .. BM .. .. .. .. .. IE IM GB .. DK .. EE LV LT .. .. .. .. .. .. .. .. .. .. .. ..
MX .. .. BS TC .. .. .. .. .. .. GG JE NL BE DE PL BY UA MD .. KZ .. .. MN .. .. .. .. .. .. ..
GT BZ .. CU HT DO PR VG AI .. .. .. FR LU CH LI AT CZ SK RO GE AZ UZ KG CN KP JP .. .. .. .. ..
SV HN KY JM .. .. VI SX MF BL .. PT ES AD MC SI HU RS BG TR AM TM TJ .. .. KR .. .. .. .. .. ..
.. NI .. AW CW BQ KN AG GP .. .. GI .. .. IT HR BA XK MK CY SY IR AF NP BT MO HK TW .. .. .. ..
.. CR .. .. .. .. MS DM MQ .. .. .. .. MT SM VA ME AL GR LB IQ KW PK IN BD MM LA VN .. MP .. ..
.. PA .. .. .. .. VC LC BB .. EH MA DZ TN LY EG .. .. PS IL JO BH .. LK .. TH KH PH .. GU UM ..
.. CO VE GY SR GF .. GD TT .. CV MR ML NE TD SD ER .. .. SA QA AE .. MV .. MY SG BN PW FM MH ..
EC PE BO BR .. .. .. .. .. .. SN GM BF NG CM CF SS ET DJ .. YE OM .. IO .. ID TL PG SB NR KI ..
.. CL AR PY UY .. .. .. .. .. GW GN TG BJ GQ CD UG KE SO .. .. .. .. CC CX .. .. .. VU TV WF TK
.. .. .. FK .. .. .. .. .. .. SL CI GH ST GA CG RW TZ SC .. .. .. .. .. .. .. AU .. NC FJ WS AS
.. .. .. .. GS .. .. .. .. .. .. LR .. .. AO ZM BI MW KM YT .. .. .. .. .. .. .. NF .. TO NU CK
.. .. .. .. .. .. .. .. .. .. .. SH .. .. NA BW ZW MZ MG RE MU .. .. .. .. .. .. .. NZ .. PF PN
.. .. .. .. .. .. .. .. .. .. .. .. .. .. .. ZA LS SZ .. .. .. .. .. .. .. .. .. .. .. .. .. ..
.. .. .. .. .. .. .. .. .. .. .. .. .. BV .. .. .. .. .. .. TF .. .. HM .. .. .. .. .. .. .. ..
.. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. AQ .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
`;

const NAMES = {
    "Africa": `AO Angola, BF Burkina Faso, BI Burundi, BJ Benin, BW Botswana, CD Congo (Kinshasa), CF
        Central African Republic, CG Congo (Brazzaville), CI Côte d’Ivoire, CM Cameroon, CV Cabo
        Verde, DJ Djibouti, DZ Algeria, EG Egypt, EH Western Sahara, ER Eritrea, ET Ethiopia, GA
        Gabon, GH Ghana, GM Gambia, GN Guinea, GQ Equatorial Guinea, GW Guinea-Bissau, KE Kenya, KM
        Comoros, LR Liberia, LS Lesotho, LY Libya, MA Morocco, MG Madagascar, ML Mali, MR
        Mauritania, MU Mauritius, MW Malawi, MZ Mozambique, NA Namibia, NE Niger, NG Nigeria, RE
        Réunion, RW Rwanda, SC Seychelles, SD Sudan, SH Saint Helena, SL Sierra Leone, SN Senegal,
        SO Somalia, SS South Sudan, ST São Tomé and Príncipe, SZ Eswatini, TD Chad, TG Togo, TN
        Tunisia, TZ Tanzania, UG Uganda, YT Mayotte, ZA South Africa, ZM Zambia, ZW Zimbabwe`,
    "Antarctica": `AQ Antarctica, BV Bouvet Island, GS South Georgia, HM Heard and McDonald Islands, TF French
        Southern Territories`,
    "Asia": `AE United Arab Emirates, AF Afghanistan, AM Armenia, AZ Azerbaijan, BD Bangladesh, BH
        Bahrain, BN Brunei, BT Bhutan, CC Cocos Islands, CN China, CX Christmas Island, CY Cyprus,
        GE Georgia, HK Hong Kong, ID Indonesia, IL Israel, IN India, IO British Indian Ocean
        Territory, IQ Iraq, IR Iran, JO Jordan, JP Japan, KG Kyrgyzstan, KH Cambodia, KP North
        Korea, KR South Korea, KW Kuwait, KZ Kazakhstan, LA Laos, LB Lebanon, LK Sri Lanka, MM
        Myanmar, MN Mongolia, MO Macao, MV Maldives, MY Malaysia, NP Nepal, OM Oman, PH Philippines,
        PK Pakistan, PS Palestine, QA Qatar, SA Saudi Arabia, SG Singapore, SY Syria, TH Thailand,
        TJ Tajikistan, TL Timor-Leste, TM Turkmenistan, TR Türkiye, TW Taiwan, UZ Uzbekistan, VN
        Vietnam, YE Yemen`,
    "Europe": `AD Andorra, AL Albania, AT Austria, AX Åland Islands, BA Bosnia and Herzegovina, BE Belgium,
        BG Bulgaria, BY Belarus, CH Switzerland, CZ Czechia, DE Germany, DK Denmark, EE Estonia, ES
        Spain, FI Finland, FO Faroe Islands, FR France, GB United Kingdom, GG Guernsey, GI
        Gibraltar, GR Greece, HR Croatia, HU Hungary, IE Ireland, IM Isle of Man, IS Iceland, IT
        Italy, JE Jersey, LI Liechtenstein, LT Lithuania, LU Luxembourg, LV Latvia, MC Monaco, MD
        Moldova, ME Montenegro, MK North Macedonia, MT Malta, NL Netherlands, NO Norway, PL Poland,
        PT Portugal, RO Romania, RS Serbia, RU Russia, SE Sweden, SI Slovenia, SJ Svalbard and Jan
        Mayen, SK Slovakia, SM San Marino, UA Ukraine, VA Vatican City, XK Kosovo`,
    "North America": `AG Antigua and Barbuda, AI Anguilla, AW Aruba, BB Barbados, BL Saint Barthélemy, BM Bermuda,
        BQ Caribbean Netherlands, BS Bahamas, BZ Belize, CA Canada, CR Costa Rica, CU Cuba, CW
        Curaçao, DM Dominica, DO Dominican Republic, GD Grenada, GL Greenland, GP Guadeloupe, GT
        Guatemala, HN Honduras, HT Haiti, JM Jamaica, KN Saint Kitts and Nevis, KY Cayman Islands,
        LC Saint Lucia, MF Saint Martin, MQ Martinique, MS Montserrat, MX Mexico, NI Nicaragua, PA
        Panama, PM Saint Pierre and Miquelon, PR Puerto Rico, SV El Salvador, SX Sint Maarten, TC
        Turks and Caicos Islands, TT Trinidad and Tobago, US United States, VC Saint Vincent and the
        Grenadines, VG British Virgin Islands, VI U.S. Virgin Islands`,
    "Oceania": `AS American Samoa, AU Australia, CK Cook Islands, FJ Fiji, FM Micronesia, GU Guam, KI
        Kiribati, MH Marshall Islands, MP Northern Mariana Islands, NC New Caledonia, NF Norfolk
        Island, NR Nauru, NU Niue, NZ New Zealand, PF French Polynesia, PG Papua New Guinea, PN
        Pitcairn, PW Palau, SB Solomon Islands, TK Tokelau, TO Tonga, TV Tuvalu, UM U.S. Outlying
        Islands, VU Vanuatu, WF Wallis and Futuna, WS Samoa`,
    "South America": `AR Argentina, BO Bolivia, BR Brazil, CL Chile, CO Colombia, EC Ecuador, FK Falkland Islands,
        GF French Guiana, GY Guyana, PE Peru, PY Paraguay, SR Suriname, UY Uruguay, VE Venezuela`,
};

/** Of the map's squares; `names` are of continents, in the ocean beside them. */
export const COLUMNS = 32, ROWS = 18;
export const LABELS = [
    { text: "North America", column: 2, row: 1.55 }, { text: "South America", column: 0.1, row: 13.05 },
    { text: "Europe", column: 13, row: 0.55 }, { text: "Africa", column: 9.9, row: 7.4 },
    { text: "Asia", column: 25.2, row: 2.55 }, { text: "Oceania", column: 25.2, row: 14.6 },
];

/** code: { code, name, continent, column, row } */
export const COUNTRIES = new Map();

for (const [continent, list] of Object.entries(NAMES)) {
    for (const entry of list.split(/,\s+/)) {
        const code = entry.slice(0, 2);
        COUNTRIES.set(code, { code, name: entry.slice(3).replace(/\s+/g, " "), continent, column: 0, row: 0 });
    }
}
GRID.trim().split("\n").forEach((line, row) => {
    line.trim().split(" ").forEach((code, column) => {
        if (code !== "..")
            Object.assign(COUNTRIES.get(code), { column, row });
    });
});
